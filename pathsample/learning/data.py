"""Data for measuring networks, read with the columns and the scaling that the network was trained with."""

from common.errors import InputError


def read_data(setup, values, keyword="AUC"):
    """Inputs and classes of a file in the layout of MLPdata.

    Parameters
    ----------
    setup : Setup
        Its potential must be a network.
    values : SimpleNamespace
        Arguments of the keyword: ``file`` and perhaps ``outcome``.
    keyword : str
        For messages.

    Returns
    -------
    inputs : ndarray of shape (n_items, n_inputs)
    classes : ndarray of int of shape (n_items,)

    Raises
    ------
    InputError
    """
    from potentials.selection import read_network_data

    where = setup.settings.where(keyword)
    if not hasattr(setup.potential, "probabilities"):
        raise InputError(f"{where}: {keyword} needs a neural network; the potential of this input is none")
    n_classes = setup.potential.layers[-1]
    outcome = getattr(values, "outcome", 0)
    if outcome >= n_classes:
        raise InputError(
            f"{where}: {keyword} {values.file}: class {outcome} of a network with {n_classes} classes; "
            f"give one from 0 to {n_classes - 1}"
        )
    return read_network_data(setup.connect or setup.settings, setup.path(values.file))


def read_names(setup):
    """Names of the classes, and where a table has them: (tuple of str, str); see ``potentials.selection.read_class_names``."""
    from potentials.selection import read_class_names

    return read_class_names(setup.connect or setup.settings, setup.directory)


def read_scale(setup):
    """(shift, divisor) of the inputs of the network of an input: it sees (input - shift) / divisor.

    Returns
    -------
    shift, divisor : ndarray of shape (n_inputs,)
    """
    from potentials.selection import read_network_scale

    return read_network_scale(setup.connect or setup.settings, setup.directory)
