#pragma once
// The atlas as pictures for files: the figures of the page, drawn without a browser.

#include "models/report/atlas_page.h"
#include "nn/image/image.h"

namespace pf {

/// Everything side by side: a column for the base and the data, then one for each family, with where the map sends the
/// same coloured noise, samples over test data, and densities; or the grids of images.
Image overview_picture(const AtlasPage& page);
/// One family's figures in a row, its training curve last.
Image panel_picture(const AtlasPage& page, size_t panel);
/// Every family's training curve, each on its own scale.
Image loss_picture(const AtlasPage& page);

}  // namespace pf
