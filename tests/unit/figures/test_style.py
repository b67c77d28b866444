import matplotlib as mpl
import pytest
from matplotlib.figure import Figure

from stampshift.figures.style import STYLE, accuracy_limits, method_colour, save_figure, styled


@styled
def drawn() -> Figure:
    figure = Figure(figsize=(2, 1))
    figure.subplots().plot([0, 1], [0, 1], label="a line")
    return figure


def test_the_style_is_applied_and_the_callers_settings_are_left_alone():
    before = dict(mpl.rcParams)
    axes = drawn().axes[0]
    assert axes.xaxis.label.get_fontsize() == STYLE["axes.labelsize"]
    assert not axes.spines["top"].get_visible()
    assert dict(mpl.rcParams) == before


def test_the_callers_settings_do_not_change_a_figure(tmp_path):
    save_figure(drawn(), [tmp_path / "plain.png"], simulated=False)
    with mpl.rc_context({"axes.facecolor": "red", "font.size": 20, "savefig.dpi": 10}):
        save_figure(drawn(), [tmp_path / "set.png"], simulated=False)
    assert (tmp_path / "plain.png").read_bytes() == (tmp_path / "set.png").read_bytes()


@pytest.mark.parametrize("suffix", ["pdf", "png"])
def test_the_same_figure_gives_the_same_bytes_without_a_date(tmp_path, suffix):
    for name in ("one", "two"):
        save_figure(drawn(), [tmp_path / f"{name}.{suffix}"], simulated=False)
    content = (tmp_path / f"one.{suffix}").read_bytes()
    assert content == (tmp_path / f"two.{suffix}").read_bytes()
    assert b"CreationDate" not in content
    assert b"Matplotlib" not in content
    assert content.startswith({"pdf": b"%PDF", "png": b"\x89PNG"}[suffix])


def test_a_figure_of_simulated_surveys_says_so_in_its_title(tmp_path):
    figure = drawn()
    figure.suptitle("A to B")
    figure.text(0.1, 0.1, "A to C")
    save_figure(figure, [tmp_path / "a.png"], simulated=True)
    assert figure.get_suptitle() == "A to B (simulated surveys)"


def test_limits_reach_lower_only_where_a_value_is_lower():
    assert accuracy_limits([0.6, 1.0]) == (0.4, 1.005)
    assert accuracy_limits([0.38, 1.0]) == (0.35, 1.005)
    assert accuracy_limits([0.31, 1.0]) == (0.3, 1.005)


def test_every_method_has_its_own_colour():
    methods = ["finetune", "new", "mme", "newer"]
    colours = [method_colour(method, methods) for method in methods]
    assert len(set(colours)) == 4
    assert method_colour("mme", ["mme"]) == colours[2]
