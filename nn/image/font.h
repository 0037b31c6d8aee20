#pragma once
// A font of 5 × 7 dots for labels in pictures: ASCII, no file needed.

#include <array>
#include <cstdint>
#include <string_view>

namespace pf {

/// Seven rows of five dots, each dot one bit, the leftmost the highest.
using Glyph = std::array<uint8_t, 7>;

inline Glyph glyph_of(char c) {
  // Seven characters a glyph, one a row: the row's five bits as a digit 0 … v. From the space on, in ASCII order.
  static constexpr std::string_view rows =
      //   ! " # $ % & ' ( ) * +
      "00000004444404aaa0000aavavaa4fke5u4pp248jjcic8lid448000048ggg84842224804lel40044v440"
      // , - . / 0 1 2 3 4 5 6 7
      "0000c48000v00000000pp448g000ehjlphe4c4444eeh1248veh161he26aiv22vgu11heehguhhev124888"
      // 8 9 : ; < = > ? @ A B C
      "ehhehheehhf1he0oo0oo00660624248g84200v0v00g84248geh12404ehnlngfehhvhhhuhhuhhuehggghe"
      // D E F G H I J K L M N O
      "uhhhhhuvgguggvvggugggehgnhhehhhvhhhe44444e72222ichikokihggggggvhrllhhhhpljhhhehhhhhe"
      // P Q R S T U V W X Y Z [
      "uhhugggehhhliduhhukihehge1hev444444hhhhhhehhhhha4hhhllrhhha4ahhhha4444v1248gve88888e"
      // backslash ] ^ _ ` a b c d e f g
      "gg84211e22222e4ah0000000000v840000000e1fhfgguhhhu00egghe11fhhhf00ehvge34e444400fhhf1"
      // h i j k l m n o p q r s
      "gguhhhh40c444e20622icggikokic44444e00qlllh00mphhh00ehhhe00uhhug00fhhf100moggg00fge1u"
      // t u v w x y z { | } ~
      "88e889600hhhjd00hhha400hhlla00ha4ah00hhf1e00v248v344c4434444444c22322c008l200";
  static_assert(rows.size() == 7 * ('~' - ' ' + 1));
  if (c < ' ' || c > '~') return {31, 17, 17, 17, 17, 17, 31};
  Glyph out{};
  for (size_t i = 0; i < 7; ++i) {
    const char digit = rows[size_t(c - ' ') * 7 + i];
    out[i] = uint8_t(digit <= '9' ? digit - '0' : digit - 'a' + 10);
  }
  return out;
}

}  // namespace pf
