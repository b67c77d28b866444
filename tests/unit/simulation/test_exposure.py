import numpy as np
import pytest

from stampshift.simulation.drawing import Psf, Source, draw_sources
from stampshift.simulation.exposure import RECIPES, draw_triplet, expose
from stampshift.simulation.recipe import Candidate, View
from stampshift.simulation.scenes import (
    Conditions,
    Mismatch,
    apply_mismatch,
    draw_conditions,
    kernel_error,
)
from stampshift.simulation.streams import Purpose, random_stream

PERFECT = Mismatch(0.0, 0.0, 1.0, 1.0)
SATURATED = {
    "saturations": [3.0, 3.0], "reach_pixels": {"x": 0, "y": 0}, "shift_pixels": 0.1,
    "width": 0.0, "flux": 0.0,
}  # fmt: skip
HOSTLESS = {
    "mag": [22.0, 23.0], "slope": 0.25, "half_light_arcsec": [0.7, 1.0], "sersic_index": [1.0], "shear": 0.0,
    "offset_half_light_radii": 1.0,
}  # fmt: skip
SURVEY_RECIPES = {
    survey: [(name, recipe) for name, mix in recipes.items() for recipe in mix]
    for survey, recipes in {
        "HiTS": {"real": ["point_source"], "bogus": ["noise_peak", "dipole", "cosmic_ray", "hot_pixel"]},
        "ATLAS": {"kast": ["asteroid"], "burn": ["burn"], "scar": ["scar"], "streak": ["streak"]},
    }.items()
}


@pytest.fixture
def draw(survey_constants):
    def one(survey, name, recipe, index=0, **changes):
        constants = survey_constants(survey) | changes
        constants["recipes"] = {name: {recipe: 1.0}}
        # an empty field, so that the candidate is alone on its stamp
        for kind in ("stars", "galaxies"):
            constants["field"][kind]["per_arcmin2"] = [1e-6, 1e-6]
        return draw_triplet(
            name,
            constants=constants,
            rng=random_stream(1, survey, Purpose.STAMP, index),
            sky_rng=random_stream(1, survey, Purpose.SKY, index),
        )

    return one


def sharpness(image):
    """Share of the light of the central 5 x 5 pixels that its brightest pixel holds."""
    middle = image.shape[0] // 2
    box = np.abs(image[middle - 2 : middle + 3, middle - 2 : middle + 3])
    return box.max() / box.sum()


def aperture(image, radius=3):
    middle = image.shape[0] // 2
    y, x = np.mgrid[: image.shape[0], : image.shape[1]] - middle
    return image[np.hypot(x, y) <= radius].sum()


def neighbour_correlation(image):
    return np.corrcoef(image[:, 1:].ravel(), image[:, :-1].ravel())[0, 1]


def some_view(constants):
    rng = np.random.default_rng(0)
    conditions = draw_conditions(rng, constants=constants)
    return View(constants, conditions, constants["stamp_size_pixels"], rng, rng)


def test_every_recipe_of_every_survey_can_be_drawn(survey_constants, draw):
    drawn = set()
    for survey in ("HiTS", "DES", "ATLAS", "ZTF"):
        size = survey_constants(survey)["stamp_size_pixels"]
        for name, mix in survey_constants(survey)["recipes"].items():
            for recipe in mix:
                triplet = draw(survey, name, recipe)
                for image in (triplet.template, triplet.science, triplet.difference):
                    assert image.shape == (size, size)
                    assert np.isfinite(image).all()
                drawn.add(recipe)
    assert drawn == set(RECIPES)


def test_noise_of_the_images_is_that_of_the_conditions(survey_constants):
    constants = survey_constants("ATLAS")
    psf = Psf(2.3, 3.0, 0, 0)
    conditions = Conditions(psf, psf, noise=16.8, template_noise=4.2, sky=262.0, depth_mag=19.5)
    view = View(constants, conditions, 201, np.random.default_rng(0), np.random.default_rng(0))
    template, science, difference = expose(Candidate(0, 1, 1), static=[], mismatch=PERFECT, view=view)
    assert science.std() == pytest.approx(16.8, rel=0.01)
    assert template.std() == pytest.approx(4.2, rel=0.01)
    assert difference.std() == pytest.approx(np.hypot(16.8, 4.2), rel=0.01)
    assert np.median(science) == pytest.approx(262, abs=0.3)
    assert np.allclose(difference, science - template)


def test_photon_noise_grows_with_the_source(survey_constants):
    psf = Psf(4.0, 3.5, 0, 0)
    conditions = Conditions(psf, psf, noise=3.0, template_noise=1.0, sky=0.0, depth_mag=24.2)
    rng = np.random.default_rng(0)
    view = View(survey_constants("HiTS"), conditions, 21, rng, rng)
    star = [Source(0, 0, 40000.0)]
    stamps = [expose(Candidate(0, 1, 1), static=star, mismatch=PERFECT, view=view)[1] for _ in range(500)]
    center = np.array([stamp[10, 10] for stamp in stamps])
    # sky 3 ADU, and the variance of photons: the pixel's mean over a gain of 4
    assert center.std() == pytest.approx(np.sqrt(9 + center.mean() / 4), rel=0.1)


@pytest.mark.parametrize("survey", ["HiTS", "ATLAS"])
def test_difference_is_science_minus_template(survey, draw):
    for name, recipe in SURVEY_RECIPES[survey]:
        triplet = draw(survey, name, recipe)
        assert np.allclose(triplet.difference, triplet.science - triplet.template, atol=1e-9)


def test_a_proper_differences_noise_is_white_and_of_both_images(draw):
    triplets = [draw("ZTF", "bogus", "noise_peak", index) for index in range(40)]
    same = [np.allclose(t.difference, t.science - t.template, atol=1) for t in triplets]
    assert not all(same)
    ratios = [
        t.difference.std() / np.hypot(t.conditions.noise, t.conditions.template_noise) for t in triplets
    ]
    assert np.mean(ratios) == pytest.approx(1, abs=0.02)
    assert np.mean([neighbour_correlation(t.difference) for t in triplets]) == pytest.approx(0, abs=0.03)


@pytest.mark.parametrize(("survey", "name"), [("ZTF", "SN"), ("Rubin", "real"), ("DES", "real")])
def test_noise_of_a_coadd_correlates_and_that_of_an_exposure_does_not(survey, name, draw):
    triplets = [
        draw(survey, name, "supernova", index, host=HOSTLESS | {"hostless_fraction": 1.0})
        for index in range(30)
    ]
    correlation = np.mean([neighbour_correlation(t.template) for t in triplets])
    # 0.112 of the coadd alone, 0.11 to 0.29 with a second interpolation
    assert 0.13 < correlation < 0.25
    for triplet in triplets:
        assert triplet.template.std() == pytest.approx(triplet.conditions.template_noise, rel=0.1)
    frames = [t.science[:12] for t in triplets]
    assert np.mean([neighbour_correlation(frame) for frame in frames]) == pytest.approx(0, abs=0.05)


def test_what_is_constant_leaves_nothing_but_noise_in_a_proper_difference(survey_constants):
    """A bright star, a galaxy and a host: every one of them is subtracted, whichever PSF is the wider."""
    constants = survey_constants("ZTF") | {"subtraction": {"kernel": 0.0}}
    sources = [Source(0, 0, 3e4), Source(12, 5, 2e4, 3.0, None, 0.2, 0.1), Source(-14, -9, 2e4, 4.0, 1.0)]
    for ours, theirs in ((2.6, 3.4), (3.4, 2.6)):
        conditions = Conditions(
            Psf(ours, 3.0, 0.03, 0.0), Psf(theirs, 3.0, -0.02, 0.04), 10.0, 2.0, sky=150.0, depth_mag=20.5
        )
        rng = np.random.default_rng(0)
        view = View(constants, conditions, 63, rng, rng)
        *_, difference = expose(Candidate(0, 1, 1), static=sources, mismatch=PERFECT, view=view)
        outside = np.ones((63, 63), bool)
        for source in sources:
            # photon noise of a bright star remains in its core
            row, column = 31 + round(source.y), 31 + round(source.x)
            outside[row - 5 : row + 6, column - 5 : column + 6] = False
        assert difference[outside].std() == pytest.approx(np.hypot(10, 2), rel=0.06)
        assert abs(difference.sum()) < 0.02 * sum(source.flux for source in sources)


def test_a_bright_star_rings_where_its_sampled_template_was_interpolated(survey_constants):
    """Half way between its pixels a narrow star's template lost what changes from pixel to pixel."""
    constants = survey_constants("ZTF") | {"subtraction": {"kernel": 0.0}}
    rings = {}
    for fwhm in (1.8, 3.6):
        psf = Psf(fwhm, 2.5, 0, 0)
        conditions = Conditions(psf, psf, 10.0, 1.0, sky=150.0, depth_mag=20.5, grid_shifts=(0.5, 0.25))
        rng = np.random.default_rng(0)
        view = View(constants, conditions, 63, rng, rng)
        star = [Source(0.1, 0.2, 1e5)]
        *_, difference = expose(Candidate(0, 1, 1), static=star, mismatch=PERFECT, view=view)
        rings[fwhm] = difference[33:37, 31]
    # along y the sign changes from pixel to pixel; a star that is sampled well leaves noise
    assert (np.sign(rings[1.8][1:]) == -np.sign(rings[1.8][:-1])).all()
    assert np.abs(rings[1.8]).min() > 4 * 10 > np.abs(rings[3.6]).max()


def test_candidates_whose_centre_is_left_out_are_drawn_anew(draw, survey_constants):
    difference = survey_constants("ZTF")["difference"]
    settings = SATURATED | {"reach_pixels": {"x": 4.0, "y": 4.0}}
    left_out = {
        clear: [
            (triplet.difference[29:34, 29:34] == 0).any()
            for index in range(6)
            for triplet in [
                draw(
                    "ZTF", "bogus", "saturated_star", index, saturated_star=settings,
                    difference=difference | {"clear_pixels": clear},
                )
            ]
        ]
        for clear in (0, 5)
    }  # fmt: skip
    assert any(left_out[0])
    assert not any(left_out[5])


def test_clouds_dim_the_field_and_the_template_alike(survey_constants):
    constants = survey_constants("ZTF")
    rng = np.random.default_rng(0)
    clear, cloudy = (
        [draw_conditions(rng, constants=constants, cloud_share=share) for _ in range(300)]
        for share in (0.0, 1.0)
    )
    assert {c.extinction_mag for c in clear} == {0.0}
    extinction = np.array([c.extinction_mag for c in cloudy])
    assert 0.5 <= extinction.min() < extinction.max() <= 4.0
    # scaled to the science image, a template has its own noise less the extinction
    ratios = [[c.noise / c.template_noise for c in drawn] for drawn in (clear, cloudy)]
    dimmed = np.log10(ratios[1]).mean() - np.log10(ratios[0]).mean()
    assert dimmed == pytest.approx(0.4 * extinction.mean(), abs=0.05)
    view = View(constants, cloudy[0], 63, rng, rng)
    assert view.zero_point_mag == pytest.approx(26.25 - cloudy[0].extinction_mag)
    factors = [view.cloud_factor() for _ in range(500)]
    assert np.std(np.log(factors)) == pytest.approx(0.13 * cloudy[0].extinction_mag, rel=0.1)
    assert View(constants, clear[0], 63, rng, rng).cloud_factor() == 1.0


def test_noise_of_matched_differences_correlates(draw):
    changes = {"difference": {"product": "matched", "noise_ratio": [0.7, 0.7], "masked_pixels": 1}}
    changes["template"] = {"noise_ratio": [4.0, 4.0], "fwhm_arcsec": [0.5, 0.5], "interpolations": 0}
    triplets = [draw("DES", "artifact", "noise_peak", index, **changes) for index in range(20)]
    pairs = [neighbour_correlation(t.difference) for t in triplets]
    # kernel (a, 1 - 2a, a) with (1 - 2a)^2 + 2 a^2 = 0.7: 2a (1 - 2a) / 0.7 = 0.21
    assert np.mean(pairs) == pytest.approx(0.21, abs=0.03)


def test_saturated_cores_are_smooth_in_the_difference(draw):
    for survey in ("DES", "ZTF"):
        name = {"DES": "artifact", "ZTF": "bogus"}[survey]
        triplet = draw(survey, name, "saturated_star", saturated_star=SATURATED)
        full = triplet.science >= triplet.science.max() - 1e-6
        assert full.sum() > 3
        assert (triplet.difference[full] == 0).all()


def test_cosmic_ray_is_in_the_science_image_only(draw):
    for index in range(10):
        triplet = draw("HiTS", "bogus", "cosmic_ray", index)
        noise = triplet.conditions.template_noise
        assert np.abs(triplet.template).max() < 6 * noise
        assert triplet.science.max() == pytest.approx(triplet.difference.max(), abs=6 * noise)
        assert triplet.candidate.science_pixels.sum() == pytest.approx(triplet.candidate.flux, rel=0.01)


def test_cosmic_ray_is_sharper_than_a_star(draw):
    law = {"percentiles": [0, 100], "values": [200.0, 300.0]}
    bright = {"snr": {"real": law, "bogus": law}}
    settings = {"cosmic_ray": {"length_pixels": [1.0, 2.0], "wander_radian": 0.0}}
    for index in range(10):
        ray = draw("HiTS", "bogus", "cosmic_ray", index, **bright, **settings)
        star = draw("HiTS", "real", "point_source", index, **bright)
        assert sharpness(ray.difference) > 2 * sharpness(star.difference)


def test_burn_is_positive_and_scar_negative_along_the_central_column(draw):
    for index in range(10):
        burn, scar = draw("ATLAS", "burn", "burn", index), draw("ATLAS", "scar", "scar", index)
        middle = slice(28, 33)
        assert burn.difference[middle, 30].mean() > burn.difference[middle, 5:20].mean()
        assert scar.difference[middle, 30].mean() < scar.difference[middle, 5:20].mean()
        assert scar.candidate.science_pixels == burn.candidate.template_pixels == 0.0
        assert scar.candidate.flux < 0 < burn.candidate.flux


def test_asteroid_is_absent_from_the_template(draw):
    for index in range(10):
        triplet = draw("ATLAS", "kast", "asteroid", index)
        assert triplet.candidate.static == []
        noise = triplet.conditions.template_noise * np.sqrt(29)
        assert abs(aperture(triplet.template - triplet.conditions.sky)) < 5 * noise
        assert aperture(triplet.difference) > 0


def test_streak_has_the_length_of_rate_times_exposure(draw, survey_constants):
    constants = survey_constants("ATLAS")
    # 0.621 arcsec/s in 30 s are 10 pixels of 1.863 arcsec
    rate = {"rate_arcsec_per_second": [0.621, 0.621]}
    sources = draw("ATLAS", "streak", "streak", streak=rate).candidate.transient
    places = np.array([(s.x, s.y) for s in sources])
    length = np.hypot(*(places[-1] - places[0])) * len(sources) / (len(sources) - 1)
    assert length == pytest.approx(10)
    assert constants["exposure_seconds"] == 30


@pytest.mark.parametrize("rms_pixels", [0.0, 2.0])
def test_a_trail_is_as_significant_under_a_star_filter_as_the_point_it_replaces(survey_constants, rms_pixels):
    view = some_view(survey_constants("ATLAS"))
    along, across = np.mgrid[-30:30.05:0.1, -12:12.05:0.1]
    star = np.exp(-(along**2 + across**2) / (2 * view.star_rms**2))
    width = max(rms_pixels * view.star_rms, 1e-9)

    def response(length):
        """Star filter at the middle of a trail of unit flux, on a grid of 0.1 pixels."""
        places = (np.arange(200) + 0.5) / 200 * length - length / 2
        if rms_pixels == 0:
            return np.exp(-(places**2) / (2 * view.star_rms**2)).mean()
        points = [np.exp(-((along - x) ** 2 + across**2) / (2 * width**2)) for x in places]
        trail = np.mean(points, axis=0)
        return (star * trail).sum() / trail.sum()

    factor = view.trail_factor(12.0, rms_pixels=width)
    assert factor == pytest.approx(response(1e-6) / response(12.0), rel=1e-3)
    assert view.trail_factor(1e-6, rms_pixels=width) == pytest.approx(1)


def test_variable_star_changes_where_the_template_has_a_star(draw):
    signs = set()
    for index in range(20):
        triplet = draw("ZTF", "VS", "variable_star", index)
        (star,), (change,) = triplet.candidate.static, triplet.candidate.transient
        assert (star.x, star.y) == (change.x, change.y)
        assert abs(change.flux) <= 2 * star.flux * 1.5
        assert np.sign(aperture(triplet.difference)) == np.sign(change.flux)
        signs.add(np.sign(change.flux))
    assert signs == {-1, 1}


def test_dipole_has_a_lobe_of_either_sign_and_is_centred_on_the_brighter(draw, survey_constants):
    settings = survey_constants("HiTS")["dipole"]
    bright = {"dipole": settings | {"shift_pixels": [0.5, 0.5], "galaxy_fraction": 0.0}}
    bright["negative_fraction"] = 0.0
    bright["snr"] = {"bogus": {"percentiles": [0, 100], "values": [60.0, 70.0]}}
    for index in range(5):
        triplet = draw("HiTS", "bogus", "dipole", index, **bright)
        noise = triplet.conditions.noise
        assert triplet.difference.max() > 5 * noise
        assert triplet.difference.min() < -3 * noise
        brightest = np.unravel_index(triplet.difference.argmax(), (21, 21))
        assert np.hypot(*(np.array(brightest) - 10)) <= 3


@pytest.mark.parametrize("flipped", [0.0, 1.0])
def test_a_dipole_is_found_by_its_stronger_lobe_where_both_signs_are_searched(
    flipped, draw, survey_constants
):
    settings = survey_constants("ZTF")["dipole"] | {"galaxy_fraction": 0.0}
    changes = {"dipole": settings, "negative_fraction": flipped or 1e-9}
    sign = -1 if flipped else 1
    for index in range(10):
        mismatch = draw("ZTF", "bogus", "dipole", index, **changes).candidate.mismatch
        unit, psf = Source(0, 0, 1.0), Psf(2.6, 3.0, 0, 0)
        one, other = (
            draw_sources(sources, psf=psf, width_ratio=ratio, size_pixels=63)
            for sources, ratio in (
                ([unit], 1.0),
                (apply_mismatch([unit], mismatch), mismatch.width_ratio),
            )
        )
        residual = sign * (one - other)
        assert residual.max() > -0.7 * residual.min()


def test_signal_to_noise_follows_the_measured_percentiles(survey_constants):
    constants = survey_constants("HiTS")
    rng = np.random.default_rng(0)
    view = View(constants, draw_conditions(rng, constants=constants), 21, rng, rng)
    drawn = [view.snr(rng, kind="real") for _ in range(4000)]
    # of the 50,000 published positives
    assert np.percentile(drawn, [1, 50, 99]) == pytest.approx([6.4, 12.3, 75.5], rel=0.1)
    assert min(drawn) >= 5.6


@pytest.mark.parametrize(("survey", "name", "recipe"), [
    ("HiTS", "real", "point_source"), ("ZTF", "VS", "variable_star"), ("ZTF", "SN", "supernova"),
])  # fmt: skip
def test_flux_has_the_signal_to_noise_asked_for(survey, name, recipe, draw, survey_constants, monkeypatch):
    monkeypatch.setattr("stampshift.simulation.transients.PHASES", (1.0, 1.0))
    law = {"percentiles": [0, 100], "values": [5.0, 5.0]}
    found = []
    for index in range(100):
        triplet = draw(survey, name, recipe, index, snr={"real": law, "bogus": law})
        psf, size = triplet.conditions.science, triplet.science.shape[0]
        star = draw_sources(triplet.candidate.transient, psf=psf, width_ratio=1.0, size_pixels=size)
        # a matched filter weights by the star: flux^2 / (sigma |star|), in units of the flux
        found.append(np.sqrt((star**2).sum()) / triplet.conditions.noise)
    assert np.mean(found) == pytest.approx(5, rel=0.05)


def test_kernel_errors_keep_flux_and_place():
    image = draw_sources([Source(0, 0, 1000.0)], psf=Psf(2.3, 3.0, 0, 0), width_ratio=1.0, size_pixels=61)
    error = kernel_error(image, rng=np.random.default_rng(0), rms=0.05, noise=0.01)
    rows, columns = np.mgrid[:61, :61] - 30
    assert np.abs(error).max() > 0.02 * image.max()
    for weight in (1.0, rows, columns):
        assert (error * weight).sum() == pytest.approx(0, abs=0.02 * np.abs(error * weight).sum())
    assert not kernel_error(image, rng=np.random.default_rng(0), rms=0.05, noise=1e4).any()


def test_alerts_of_one_object_share_their_sky(survey_constants):
    constants = survey_constants("ZTF")
    first, second = (
        draw_triplet(
            "SN",
            constants=constants,
            rng=random_stream(1, "ZTF", Purpose.STAMP, index),
            sky_rng=random_stream(1, "ZTF", Purpose.SKY, 5),
        )
        for index in (0, 1)
    )
    assert [s.flux for s in first.neighbours] == [s.flux for s in second.neighbours]
    assert not np.array_equal(first.science, second.science)
