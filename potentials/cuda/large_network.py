"""Networks too large for one block: the matrix products of all layers by a library, the rest by kernels (layers.h)."""

from itertools import pairwise

import numpy as np

from potentials.cuda.batch import ROWS_WITHOUT_MEMORY, SCRATCH, DeviceBatch, Quenches, network_values, quench_values
from potentials.cuda.parameters import parameters

#: Threads per block of the kernels between the products.
THREADS = 256
#: Most memory for the activations and derivatives of the networks evaluated together.
BATCH_BYTES = 4 << 30
#: Evaluations between two looks at how many quenches are left: a look waits for the device.
ROUNDS_BETWEEN_LOOKS = 16
#: Evaluations, by the memory they work on, of which the launches are kept.
PLANS_KEPT = 16
#: Numbers of a slot of layers.h; its last is the point, of which -1 is none yet.
SLOT_NUMBERS = 16


class LargeNetworkBatch(DeviceBatch):
    """Networks of any size, as many at a time as memory has room for.

    The first layer of all networks is one product with the inputs they share; the other layers are batches of products.
    """

    kernels = "layers"

    def __init__(self, potential, device):
        super().__init__(potential, device, THREADS, 0, network_values(potential, device))
        self.sizes = potential.layers
        self.n_layers = len(self.sizes) - 1
        self.n_items = len(potential.inputs)
        nodes = sum(self.sizes[1:])
        # activations and derivatives, both also along a direction; the packed first layer; the weights
        numbers = 4 * nodes * self.n_items + self.n_items + self.sizes[0] * self.sizes[1] + 3 * self.n_variables
        self.most = max(1, BATCH_BYTES // (8 * numbers))
        self.weights_at = np.concatenate([[0], np.cumsum([a * b for a, b in pairwise(self.sizes)])])
        self.inputs = self.memory[[v.address for v in self.memory].index(self.values["inputs"])]
        self.work = None
        self.work_count = 0
        self.plan, self.plans = [], {}

    def _work(self, count, along=False):
        """Memory for that many networks, kept for the next time."""
        if self.work is None or self.work_count < count or (along and "r_deltas" not in self.work):
            device = self.device
            layers = [count * size * self.n_items for size in self.sizes]
            self.work = {
                "activations": [device.empty(n) for n in layers[:-1]], "deltas": [device.empty(n) for n in layers],
                "packed": device.empty(count * self.sizes[0] * self.sizes[1]), "thawed": device.empty(count * self.n_variables),
                "item_energy": device.empty(count * self.n_items),
            }  # fmt: skip
            if along:
                self.work |= {
                    "r_activations": [device.empty(n) for n in layers[:-1]], "r_deltas": [device.empty(n) for n in layers],
                    "thawed_direction": device.empty(count * self.n_variables),
                }  # fmt: skip
            self.work_count = count
            self.plans.clear()
        return self.work

    def _kernel(self, name, count, jobs, layer=0, **memory):
        """One of the kernels of layers.h over ``jobs`` numbers."""
        grid = int(max(1, min(-(-jobs // THREADS), 32 * self.device.multiprocessors)))
        addresses = {key: m.address for key, m in memory.items() if m is not None}
        p = parameters({**self.values, "n_points": count, "layer": layer, **addresses})
        self.plan.append(self.device.prepared(f"layers_{name}", grid, self.threads, SCRATCH, p))

    def _products(self, *arguments, **options):
        """Matrix products, as `potentials.cuda.device.Device.products`."""
        self.plan.append(self.device.prepared_products(*arguments, **options))

    def _forward(self, count, layer, weights, before, out, add=False):
        """out (+)= W before, for one layer of all networks."""
        n_in, n_out, items = self.sizes[layer - 1], self.sizes[layer], self.n_items
        if layer == 1:
            self._kernel("pack", count, count * n_in * n_out, x=weights, packed=self.work["packed"])
            packed = self.work["packed"]
            self._products((False, False), (items, count * n_out, n_in), self.inputs, packed, out, (0, 0, 0), 1)
            return
        self._products(
            (False, False), (items, n_out, n_in), before, weights, out, (items * n_in, self.n_variables, items * n_out), count,
            offsets=(0, int(self.weights_at[layer - 1]), 0), add=add,
        )  # fmt: skip

    def _backward(self, count, layer, weights, deltas, out, add=False):
        """out (+)= W^T deltas: from a layer to the one before."""
        n_in, n_out, items = self.sizes[layer - 1], self.sizes[layer], self.n_items
        self._products(
            (False, True), (items, n_in, n_out), deltas, weights, out, (items * n_out, self.n_variables, items * n_in), count,
            offsets=(0, int(self.weights_at[layer - 1]), 0), add=add,
        )  # fmt: skip

    def _weight_gradient(self, count, layer, before, deltas, gradient, add=False):
        """gradient (+)= deltas before^T."""
        n_in, n_out, items = self.sizes[layer - 1], self.sizes[layer], self.n_items
        if layer == 1:
            packed = self.work["packed"]
            self._products((True, False), (n_in, count * n_out, items), self.inputs, deltas, packed, (0, 0, 0), 1)
            self._kernel("scatter", count, count * n_in * n_out, packed=packed, gradient=gradient)
            return
        self._products(
            (True, False), (n_in, n_out, items), before, deltas, gradient, (items * n_in, items * n_out, self.n_variables),
            count, offsets=(0, 0, int(self.weights_at[layer - 1])), add=add,
        )  # fmt: skip

    def _evaluate(self, count, x, energy, gradient, direction=None, product=None):
        """Energies and gradients, or with a direction the products of the Hessians with it; all in memory of the device.

        The launches of an evaluation are the same every time but for the memory they work on. They are put together once, as
        that takes longer than the device needs for them.
        """
        memory = (x, energy, gradient, direction, product)
        key = (count, self._work(count, direction is not None)["thawed"].address, *(getattr(m, "address", 0) for m in memory))
        if key not in self.plans:
            if len(self.plans) == PLANS_KEPT:
                self.plans.clear()
            self.plan = self.plans[key] = []
            self._put_together(count, *memory)
        for step in self.plans[key]:
            step()

    def _put_together(self, count, x, energy, gradient, direction, product):
        """The plan of an evaluation."""
        along = direction is not None
        w = self._work(count, along)
        a, deltas, last, items = w["activations"], w["deltas"], self.n_layers, self.n_items
        n = count * self.n_variables
        self._kernel("thaw", count, n, x=x, gradient=w["thawed"])
        weights = w["thawed"]
        if along:
            self._kernel("thaw", count, n, x=direction, gradient=w["thawed_direction"])
            v, ra, r_deltas = w["thawed_direction"], w["r_activations"], w["r_deltas"]
        for layer in range(1, last + 1):
            jobs = count * self.sizes[layer] * items
            out = deltas[last] if layer == last else a[layer]
            self._forward(count, layer, weights, a[layer - 1], out)
            self._kernel("activate", count, jobs, layer, x=weights, activations=out)
            if along:
                r_out = r_deltas[last] if layer == last else ra[layer]
                self._forward(count, layer, v, a[layer - 1], r_out)
                if layer > 1:
                    self._forward(count, layer, weights, ra[layer - 1], r_out, add=True)
                self._kernel("r_activate", count, jobs, layer, direction=v, activations=out, r_activations=r_out)
        self._kernel("softmax", count, count * items, deltas=deltas[last], item_energy=w["item_energy"])
        if along:
            self._kernel("r_softmax", count, count * items, deltas=deltas[last], r_deltas=r_deltas[last])
        for layer in range(last, 0, -1):
            if along:
                self._weight_gradient(count, layer, a[layer - 1], r_deltas[layer], product)
                if layer > 1:
                    self._weight_gradient(count, layer, ra[layer - 1], deltas[layer], product, add=True)
            else:
                self._weight_gradient(count, layer, a[layer - 1], deltas[layer], gradient)
            if self.potential.has_biases:
                rows, out = (r_deltas[layer], product) if along else (deltas[layer], gradient)
                self._kernel("bias_gradients", count, THREADS * count * self.sizes[layer], layer, deltas=rows, gradient=out)
            if layer == 1:
                break
            jobs = count * self.sizes[layer - 1] * items
            self._backward(count, layer, weights, deltas[layer], deltas[layer - 1])
            if along:
                self._backward(count, layer, weights, r_deltas[layer], r_deltas[layer - 1])
                self._backward(count, layer, v, deltas[layer], r_deltas[layer - 1], add=True)
                self._kernel(
                    "r_slope", count, jobs, layer - 1, activations=a[layer - 1], deltas=deltas[layer - 1],
                    r_activations=ra[layer - 1], r_deltas=r_deltas[layer - 1],
                )  # fmt: skip
            else:
                self._kernel("slope", count, jobs, layer - 1, activations=a[layer - 1], deltas=deltas[layer - 1])
        self._kernel(
            "energies", count, THREADS * count, x=v if along else weights, item_energy=w["item_energy"], energy=energy,
            gradient=product if along else gradient,
        )  # fmt: skip

    def energy_gradient(self, x):
        """Energies of shape (B,) and gradients of shape (B, n_variables) at x of shape (B, n_variables)."""
        x = self._points(x)
        energies, gradients = np.empty(len(x)), np.empty_like(x)
        for first in range(0, len(x), self.most):
            part = slice(first, first + self.most)
            points = self.device.upload(x[part])
            energy, gradient = self.device.empty(points.shape[0]), self.device.empty(points.shape)
            self._evaluate(points.shape[0], points, energy, gradient)
            energies[part], gradients[part] = self.device.download(energy), self.device.download(gradient)
        self.calls += len(x)
        return energies, gradients

    def hessian_vector(self, x, v):
        """Products of the Hessians at x with v: three arrays of shape (B, n_variables)."""
        x, v = self._points(x), self._points(v)
        if x.shape != v.shape:
            raise ValueError(f"{len(x)} points but {len(v)} directions")
        products = np.empty_like(x)
        for first in range(0, len(x), self.most):
            part = slice(first, first + self.most)
            points, direction = self.device.upload(x[part]), self.device.upload(v[part])
            product = self.device.empty(points.shape)
            self._evaluate(points.shape[0], points, None, None, direction, product)
            products[part] = self.device.download(product)
        return products

    def quench(self, x, settings):
        """Quench points in step: all evaluated together, each with a state of its own; one that ends makes room for the next.

        Parameters and result as `DeviceBatch.quench`. The host launches the kernels and looks every ROUNDS_BETWEEN_LOOKS rounds
        whether points are left; no number of a quench passes through it.
        """
        x = self._points(x)
        device, n, count = self.device, self.n_variables, min(len(x), self.most)
        out = {name: device.empty(x.shape) for name in ("final_x", "gradient")}
        out |= {name: device.empty(len(x)) for name in ("energy", "final_rms")}
        out |= {name: device.empty(len(x), np.int64) for name in ("iterations", "calls", "status")}
        if count:
            states = np.zeros((count, SLOT_NUMBERS), dtype=np.int64)
            states[:, -1] = -1
            rows = (2 * settings.history + ROWS_WITHOUT_MEMORY) * n + 2 * settings.history
            at, energy, gradient = device.empty((count, n)), device.empty(count), device.empty((count, n))
            finished = device.upload([0], np.uint64)
            memory = {
                **out, "x": device.upload(x), "queue": device.upload([0], np.uint64), "finished": finished, "slot_x": at,
                "slot_energy": energy, "slot_gradient": gradient, "slot_states": device.upload(states, np.int64),
                "slot_rows": device.empty((count, rows)),
            }  # fmt: skip
            values = {**quench_values(settings), **{name: m.address for name, m in memory.items()}, "n_points": len(x)}
            while True:
                for _ in range(ROUNDS_BETWEEN_LOOKS):
                    self.launch("advance", count, 0, values)
                    self._evaluate(count, at, energy, gradient)
                if int(device.download(finished)[0]) == count:
                    break
        found = Quenches(*(device.download(out[name]) for name in (
            "final_x", "gradient", "energy", "final_rms", "iterations", "calls", "status"
        )))  # fmt: skip
        self.calls += int(found.calls.sum())
        return found
