from stampshift.networks.layers import network_layers
from stampshift.tables.network_table import network_table


def test_layers_shapes_and_parameters_are_those_of_the_thesis():
    cells = network_table(network_layers(size_pixels=21), size_pixels=21).cells
    assert len(cells) == 17 + 2 + 2
    first = cells.iloc[0].to_dict()
    # 64 kernels of 3 x 5 x 5 weights and a bias
    assert first == {
        "part": "extractor", "layer": "convolution 5 x 5", "output": "64 x 17 x 17", "parameters": "4,864",
    }  # fmt: skip
    shapes = cells.loc[cells["part"] == "extractor", "output"].to_list()
    assert list(dict.fromkeys(shapes)) == [
        "64 x 17 x 17", "64 x 8 x 8", "50 x 4 x 4", "50 x 2 x 2", "200", "100",
    ]  # fmt: skip
    assert cells.iloc[-2:]["parameters"].to_list() == ["115,944", "115,942"]
