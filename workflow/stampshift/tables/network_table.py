"""The networks as a table of layers."""

import pandas as pd

from stampshift.tables.writing import DASH, Table


def network_table(layers: pd.DataFrame, *, size_pixels: int) -> Table:
    """Print the layers of `networks.layers.network_layers` for stamps of `size_pixels` on a side."""
    cells = layers.assign(parameters=[f"{count:,}" if count else DASH for count in layers["parameters"]])
    caption = (
        f"Layers of the networks for stamps of {size_pixels} x {size_pixels} pixels in three channels, the "
        "shape of each layer's output for one stamp, and its trainable parameters."
    )
    return Table(layers, cells, caption, "tab:network")
