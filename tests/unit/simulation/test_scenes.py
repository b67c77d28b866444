from dataclasses import replace

import galsim
import numpy as np
import pytest

from stampshift.simulation.drawing import Psf, Source, draw_sources
from stampshift.simulation.scenes import (
    Mismatch,
    apply_mismatch,
    draw_conditions,
    field_sources,
    noise_of_depth,
)

ROUND = Psf(fwhm=4.0, beta=3.5, g1=0.0, g2=0.0)


def draw(sources, psf=ROUND, size=51):
    return draw_sources(sources, psf=psf, width_ratio=1.0, size_pixels=size)


def test_stars_and_broadened_stars_are_galsims():
    psf = Psf(fwhm=3.0, beta=3.0, g1=0.05, g2=-0.1)
    sources = [Source(1.3, -4.2, 100.0), Source(-7.0, 3.0, 50.0, 2.3, None, 0.2, -0.3)]
    image = galsim.ImageD(31, 31)
    for source in sources:
        width = float(np.hypot(psf.fwhm, 2 * source.half_light_radius))
        shape = replace(psf, fwhm=width).profile().shear(g1=source.g1, g2=source.g2)
        shape.shift(source.x, source.y).withFlux(source.flux).drawImage(
            image, scale=1.0, method="no_pixel", add_to_image=True
        )
    assert np.allclose(draw(sources, psf, 31), image.array, atol=1e-9)


@pytest.mark.parametrize("fwhm", [2.0, 4.0, 6.0])
def test_star_has_the_width_asked_for(fwhm):
    row = draw([Source(0, 0, 1.0)], Psf(fwhm, 3.5, 0.0, 0.0))[25]
    half = row[25] / 2
    # linear interpolation between the pixels around half the peak, on either side
    right = 25 + np.argmax(row[25:] < half)
    crossing = right - (half - row[right]) / (row[right - 1] - row[right])
    assert 2 * (crossing - 25) == pytest.approx(fwhm, abs=0.2)


def test_star_has_its_flux_and_place():
    image = draw([Source(3.0, -2.0, 1000.0)], Psf(3.0, 3.5, 0, 0), size=63)
    assert np.unravel_index(image.argmax(), image.shape) == (31 - 2, 31 + 3)
    assert image.sum() == pytest.approx(1000, rel=0.01)


def test_center_of_an_even_stamp_is_half_its_size():
    image = draw([Source(0, 0, 1.0)], size=30)
    assert np.unravel_index(image.argmax(), image.shape) == (15, 15)


@pytest.mark.parametrize("index", [1.0, 4.0])
def test_half_of_a_galaxys_light_is_within_its_half_light_radius(index):
    sharp = Psf(0.5, 3.5, 0, 0)
    galaxy = Source(0, 0, 100.0, half_light_radius=8.0, sersic_index=index)
    image = draw([galaxy], sharp, size=101)
    y, x = np.mgrid[:101, :101] - 50
    assert image[np.hypot(x, y) <= 8].sum() == pytest.approx(50, abs=2)


def test_nothing_drawn_is_zero():
    assert np.array_equal(draw([], size=21), np.zeros((21, 21)))


def test_mismatch_shifts_and_rescales():
    (moved,) = apply_mismatch([Source(1.0, 2.0, 100.0)], Mismatch(0.25, -0.5, 1.0, 1.02))
    assert (moved.x, moved.y, moved.flux) == (1.25, 1.5, 102.0)


def test_noise_from_depth_by_hand():
    # a star at the limit has 100 units; 2.266 x 4^2 = 36.256 pixels, whose root is 6.0213
    noise = noise_of_depth(depth_mag=20.0, zero_point_mag=25.0, fwhm=4.0)
    assert noise == pytest.approx(100 / (5 * 6.0213), rel=1e-4)


@pytest.mark.parametrize(
    ("survey", "fwhm_pixels", "noise"),
    # widths and noises per pixel as the surveys' papers and headers give them
    [
        ("HiTS", (4.1, 6.1), (2.0, 5.0)),
        ("DES", (3.1, 4.3), (3.0, 13.0)),
        ("ATLAS", (2.0, 2.7), (13.0, 40.0)),
        ("ZTF", (1.58, 3.17), (4.0, 32.0)),
    ],
)
def test_exposures_are_those_of_the_survey(survey, fwhm_pixels, noise, survey_constants):
    constants = survey_constants(survey)
    rng = np.random.default_rng(0)
    drawn = [draw_conditions(rng, constants=constants) for _ in range(200)]
    widths = [c.science.fwhm for c in drawn]
    assert fwhm_pixels[0] < min(widths) and max(widths) < fwhm_pixels[1]
    assert noise[0] < min(c.noise for c in drawn) and max(c.noise for c in drawn) < noise[1]
    low, high = (2.2, 13) if survey == "ZTF" else (3, 6)
    assert all(low <= c.noise / c.template_noise <= high for c in drawn)
    if survey in ("HiTS", "DES"):
        assert all(c.sky == 0 for c in drawn)
    elif survey == "ZTF":
        # public alerts: 114, 174 and 234 DN at 25, 50 and 75%, 86 and 371 at 10 and 90%
        sky = np.percentile([c.sky for c in drawn], [10, 50, 90])
        assert sky == pytest.approx([86, 174, 371], rel=0.3)
    else:
        # sky noise grows as the root of the sky
        ratios = [c.noise**2 / c.sky for c in drawn]
        assert ratios == pytest.approx([ratios[0]] * 200)


def test_field_has_the_density_asked_for(survey_constants):
    constants = survey_constants("ATLAS")
    constants["field"]["stars"]["per_arcmin2"] = [2.0, 2.0]
    constants["field"]["galaxies"]["per_arcmin2"] = [1.0, 1.0]
    rng = np.random.default_rng(1)
    fields = [
        field_sources(rng, constants=constants, size_pixels=61, zero_point_mag=25.68) for _ in range(500)
    ]
    area = (69 * 1.863 / 60) ** 2
    assert np.mean([len(f) for f in fields]) == pytest.approx(3 * area, rel=0.03)
    galaxies = sum(s.half_light_radius > 0 for f in fields for s in f)
    assert galaxies / 500 == pytest.approx(area, rel=0.05)
    limit = 10 ** (0.4 * (constants["zero_point_mag"] - constants["field"]["faintest_mag"]))
    assert min(s.flux for f in fields for s in f) >= limit * 0.999
