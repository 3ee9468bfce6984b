"""Data for measuring networks, read with the columns and the scaling that the network was trained with."""

from common.errors import InputError


def read_data(setup, values):
    """Inputs and classes of a file in the layout of MLPdata.

    Parameters
    ----------
    setup : Setup
        Its potential must be a network.
    values : SimpleNamespace
        Arguments of the keyword AUC.

    Returns
    -------
    inputs : ndarray of shape (n_items, n_inputs)
    classes : ndarray of int of shape (n_items,)

    Raises
    ------
    InputError
    """
    from potentials.selection import read_network_data

    if not hasattr(setup.potential, "probabilities"):
        raise InputError(f"{setup.settings.where('AUC')}: AUC needs a neural network; the potential of this input is none")
    n_classes = setup.potential.layers[-1]
    if values.outcome >= n_classes:
        raise InputError(
            f"{setup.settings.where('AUC')}: AUC {values.file}: class {values.outcome} of a network with {n_classes} classes; "
            f"give one from 0 to {n_classes - 1}"
        )
    return read_network_data(setup.connect or setup.settings, setup.path(values.file))
