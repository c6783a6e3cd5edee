"""Texts of the scores and matrices of disentanglement."""

from gmstudio.engine.features.disentanglement import NUM_BINS, NUM_TREES

SCORES: dict[str, tuple[str, str, str]] = {
    "mig": (
        "MIG",
        r"\frac{1}{K} \sum_k \frac{1}{H(v_k)} \left( I(z_{j_k}; v_k) - \max_{j \neq j_k} I(z_j; v_k) \right)",
        "Mutual information gap: for each factor, how much more the dimension with most information on it has than the "
        f"second one, as a share of the factor’s entropy. Histograms of {NUM_BINS} bins of equal width. 1: each factor "
        "is in one dimension, and in no other. Chen et al. 2018, arXiv:1802.04942.",
    ),
    "disentanglement": (
        "DCI disentanglement",
        r"\sum_i \rho_i D_i, \quad D_i = 1 - H_K(P_i), \quad P_{ij} = R_{ij} / \sum_k R_{ik}",
        "How far each dimension is important for one factor only, weighted by its share in all importance. R: mean "
        f"decrease in impurity in random forests of {NUM_TREES} trees that predict each factor from the features. "
        "Eastwood and Williams 2018.",
    ),
    "completeness": (
        "DCI completeness",
        r"\frac{1}{K} \sum_j C_j, \quad C_j = 1 - H_D(\tilde{P}_j), \quad \tilde{P}_{ij} = R_{ij} / \sum_d R_{dj}",
        "How far each factor is predicted from one dimension only. Eastwood and Williams 2018.",
    ),
    "informativeness": (
        "DCI informativeness",
        r"\frac{1}{K} \sum_j I_j, \quad I_j = R^2_j \text{ or accuracy}_j",
        "How well the random forest predicts each factor of test images from all dimensions, mean over the factors: R² "
        "for factors with an order, accuracy for kinds. Eastwood and Williams 2018, who take the error.",
    ),
    "sap": (
        "SAP",
        r"\frac{1}{K} \sum_k \left( S_{j_k k} - \max_{j \neq j_k} S_{jk} \right)",
        "Separated attribute predictability: for each factor, how much better the dimension that predicts it best does "
        "than the second one. S is R² of a line for factors with an order, and balanced accuracy of thresholds on test "
        "images for kinds. Kumar et al. 2018, arXiv:1711.00848.",
    ),
}
"""Name → title, formula in LaTeX, and what it is."""
MATRICES: dict[str, tuple[str, str]] = {
    "correlation": (
        "Correlation",
        "Spearman’s ρ of each dimension with each factor, −1 to 1; for kinds without an order the correlation ratio η "
        "of the ranks, 0 to 1. Rotations repeat, so a code of the angle may have a small ρ: see Mutual information.",
    ),
    "information": (
        "Mutual information",
        f"I(z; v) / H(v), by histograms of {NUM_BINS} bins: the share of a factor’s entropy that a dimension knows.",
    ),
    "importance": (
        "Importance (DCI)",
        "Importance of each dimension in the random forest that predicts the factor; each column sums to one.",
    ),
    "prediction": (
        "Prediction (SAP)",
        "How well each dimension alone predicts a factor: R² of a line, or balanced accuracy of thresholds for kinds.",
    ),
}
"""Name → title, and what it is."""
