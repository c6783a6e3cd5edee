"""The laws: each is a function of a model that raises ``AssertionError``, with a sentence, where the model breaks it.

A family of another package is held to all laws that apply to it by one parametrized test::

    import pytest
    from gmstudio.testing import laws
    from my_package import MyFamily

    @pytest.mark.parametrize("law", laws.laws_of(MyFamily, MyFamily.Config(num_hidden=8)), ids=str)
    def test_law(law):
        law()

or, without writing any test, by ``pytest --gmstudio-family my_package:MyFamily`` (see ``gmstudio.testing.plugin``). A
single law is called with a model: ``laws.probabilities_sum_to_one(model)``.

Some laws are examined on request only, ``laws_of(…, also=[laws.earlier_pixels_matter])``: that earlier pixels have an
influence on later ones, or that order and labels matter, is expected of most models but not of all. Independent pixels
are a legal autoregressive family.
"""

from gmstudio.testing.laws.autoregressive import (
    autoregression,
    components_sum_to_the_conditional,
    conditionals_depend_on_their_context,
    each_image_has_its_own_label,
    earlier_pixels_matter,
    gradients_are_derivatives,
    labels_matter,
    order_matters,
    probabilities_sum_to_one,
    samples_follow_the_distribution,
)
from gmstudio.testing.laws.cards import (
    figures_are_complete,
    formulas_render,
    pixel_figures_are_complete,
    settings_are_explained,
    trajectories_have_words,
)
from gmstudio.testing.laws.cases import LawCase, built, laws_of
from gmstudio.testing.laws.flow import flows_invert, log_determinants_are_the_jacobians
from gmstudio.testing.laws.generation import (
    chains_go_through_images,
    samples_are_images,
    samples_follow_the_generator,
    trajectories_show_images,
)
from gmstudio.testing.laws.latent import (
    a_discriminator_gives_probabilities,
    bounds_bound,
    bounds_sum_to_at_most_one,
    codes_have_the_latent_shape,
    decoded_means_are_in_range,
    decoding_depends_on_its_code_alone,
    decoding_has_a_gradient,
    the_kl_is_the_posteriors,
)
from gmstudio.testing.laws.law import LAWS, Law
from gmstudio.testing.laws.parallel_sampling import parallel_equals_sequential, rounding_decides_nothing
from gmstudio.testing.laws.sessions import (
    a_session_keeps_its_weights,
    fast_equals_plain,
    rewinding_recomputes,
    rewinding_repeats,
    sessions_follow_the_order,
    stepping_equals_scoring,
    temperature_zero_gives_the_mode,
)
from gmstudio.testing.laws.training import (
    a_loss_called_a_likelihood_is_one,
    a_seed_repeats,
    every_parameter_gets_a_gradient,
    integer_types_are_alike,
    losses_are_explained,
    losses_stay_in_float32,
    noise_comes_from_the_generator,
    one_batch_can_be_overfitted,
    saving_and_loading_change_nothing,
)

__all__ = [
    "LAWS",
    "Law",
    "LawCase",
    "a_discriminator_gives_probabilities",
    "a_loss_called_a_likelihood_is_one",
    "a_seed_repeats",
    "a_session_keeps_its_weights",
    "autoregression",
    "bounds_bound",
    "bounds_sum_to_at_most_one",
    "built",
    "chains_go_through_images",
    "codes_have_the_latent_shape",
    "components_sum_to_the_conditional",
    "conditionals_depend_on_their_context",
    "decoded_means_are_in_range",
    "decoding_depends_on_its_code_alone",
    "decoding_has_a_gradient",
    "each_image_has_its_own_label",
    "earlier_pixels_matter",
    "every_parameter_gets_a_gradient",
    "fast_equals_plain",
    "figures_are_complete",
    "flows_invert",
    "formulas_render",
    "gradients_are_derivatives",
    "integer_types_are_alike",
    "labels_matter",
    "laws_of",
    "log_determinants_are_the_jacobians",
    "losses_are_explained",
    "losses_stay_in_float32",
    "noise_comes_from_the_generator",
    "one_batch_can_be_overfitted",
    "order_matters",
    "parallel_equals_sequential",
    "pixel_figures_are_complete",
    "probabilities_sum_to_one",
    "rewinding_recomputes",
    "rewinding_repeats",
    "rounding_decides_nothing",
    "samples_are_images",
    "samples_follow_the_distribution",
    "samples_follow_the_generator",
    "saving_and_loading_change_nothing",
    "sessions_follow_the_order",
    "settings_are_explained",
    "stepping_equals_scoring",
    "temperature_zero_gives_the_mode",
    "the_kl_is_the_posteriors",
    "trajectories_have_words",
    "trajectories_show_images",
]
