// Conditions: how a data set is cut into points and what a conditional model is told of them.

#include "models/condition.h"

#include <gtest/gtest.h>

#include "models/context.h"
#include "tensor/json.h"
#include "tests/support/temporary.h"

namespace pf {
namespace {

using testing::contains;
using testing::error_of;

Dataset labelled() {
  return {.name = "six",
          .train = tensor({0, 1, 10, 2, 3, 20, 4, 5, 30}, {3, 3}),
          .test = tensor({6, 7, 40}, {1, 3}),
          .train_labels = tensor({0, 2, 1}, int64),
          .test_labels = tensor({2}, int64),
          .columns = {"a", "b", "c"},
          .entropy = 1.0};
}

TEST(Condition, LabelsBecomeOneHotRows) {
  const Condition condition = Condition::make("labels", labelled());
  EXPECT_EQ(condition.width, 3);
  EXPECT_EQ(condition.spec(), "labels");
  const Dataset data = condition.apply(labelled());
  EXPECT_EQ(data.train_context.to_vector<float>(), (std::vector<float>{1, 0, 0, 0, 0, 1, 0, 1, 0}));
  EXPECT_EQ(data.test_context.to_vector<float>(), (std::vector<float>{0, 0, 1}));
  EXPECT_EQ(data.train.shape(), (Shape{3, 3}));
  EXPECT_FALSE(data.entropy) << "the entropy given the label is another";
  EXPECT_TRUE(contains(error_of([&] { condition.of_labels(tensor({1, 3}, int64)); }), "label 3: expected 0 to 2"));
  EXPECT_TRUE(contains(error_of([&] { condition.of_columns(ones({1, 3})); }), "whose condition is a label"));
}

TEST(Condition, ColumnsAreCutOffAndStandardised) {
  const Condition condition = Condition::make("columns=1", labelled());
  const Dataset data = condition.apply(labelled());
  EXPECT_EQ(data.train.to_vector<float>(), (std::vector<float>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(data.test.to_vector<float>(), (std::vector<float>{6, 7}));
  EXPECT_EQ(data.columns, (std::vector<std::string>{"a", "b"}));
  const std::vector<float> context = data.train_context.to_vector<float>();
  EXPECT_NEAR(context[0], -1.2247449, 1e-6);
  EXPECT_NEAR(context[1], 0, 1e-6);
  EXPECT_NEAR(data.test_context.item(), 2.4494898, 1e-6) << "on the scale of the training rows";
}

TEST(Condition, WhatDoesNotFitIsExplained) {
  Dataset plain = labelled();
  plain.train_labels = plain.test_labels = Tensor();
  EXPECT_TRUE(contains(error_of([&] { Condition::make("labels", plain); }), "--condition labels: six has no labels"));
  EXPECT_TRUE(contains(error_of([&] { Condition::make("columns=3", plain); }), "six has 3 columns: expected 1 to 2"));
  EXPECT_TRUE(contains(error_of([&] { Condition::make("columns=x", plain); }), "expected labels, or columns=K"));
  EXPECT_TRUE(contains(error_of([&] { Condition::make("label", plain); }), "expected labels, or columns=K"));
}

TEST(Condition, SurvivesItsJson) {
  for (const char* spec : {"labels", "columns=2"}) {
    const Condition before = Condition::make(spec, labelled()), after = Condition::from_json(before.to_json());
    EXPECT_EQ(after.spec(), before.spec());
    EXPECT_EQ(after.centre, before.centre);
    EXPECT_EQ(after.scale, before.scale);
  }
  Json broken = Condition::make("columns=2", labelled()).to_json();
  broken["scale"][1] = 0.0;
  EXPECT_TRUE(contains(error_of([&] { Condition::from_json(broken); }), "positive scales"));
}

TEST(Context, OneRowCountsForAll) {
  const Tensor x = ones({3, 2}), row = tensor({5, 6}, {1, 2});
  const Variable both = with_context("map", Variable(x), row, 2);
  EXPECT_EQ(both.value().to_vector<float>(), (std::vector<float>{1, 1, 5, 6, 1, 1, 5, 6, 1, 1, 5, 6}));
  EXPECT_EQ(with_context("map", Variable(x), {}, 0).shape(), (Shape{3, 2}));
  EXPECT_EQ(context_for(row, 3).shape(), (Shape{3, 2}));
  EXPECT_TRUE(contains(error_of([&] {
                         with_context("map", Variable(x), ones({2, 2}), 2);
                       }),
                       "map: a condition of shape [2, 2] for 3 points: expected [3, 2] or [1, 2]"));
}

}  // namespace
}  // namespace pf
