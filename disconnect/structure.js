"use strict";
// The structure of one minimum on a small canvas: balls that can be turned for a cluster, nodes and links for a network, bars
// for any other variables.

const POSITIVE = "#2166ac", NEGATIVE = "#b2182b";
const FAINT = 0.04; // links weaker than this fraction of the strongest are left out

class Structure {
  constructor(canvas, description) {
    this.canvas = canvas;
    this.kind = description.kind;
    this.layers = description.layers;
    this.biases = description.biases;
    this.turn = [0.35, -0.25];
    this.x = null;
    if (this.kind === "cluster") this.listen();
  }

  // Dragging turns the cluster.
  listen() {
    let from = null;
    this.canvas.style.cursor = "grab";
    this.canvas.addEventListener("pointerdown", (event) => {
      from = [event.clientX, event.clientY];
      this.canvas.setPointerCapture(event.pointerId);
    });
    this.canvas.addEventListener("pointermove", (event) => {
      if (!from) return;
      this.turn[0] += 0.01 * (event.clientX - from[0]);
      this.turn[1] += 0.01 * (event.clientY - from[1]);
      from = [event.clientX, event.clientY];
      this.draw();
    });
    this.canvas.addEventListener("pointerup", () => { from = null; });
  }

  show(x) {
    this.x = x;
    this.draw();
  }

  draw() {
    const ratio = window.devicePixelRatio || 1, g = this.canvas.getContext("2d");
    this.size = 220;
    this.canvas.width = this.canvas.height = this.size * ratio;
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    g.clearRect(0, 0, this.size, this.size);
    if (this.kind === "cluster") this.drawCluster(g);
    else if (this.kind === "network") this.drawNetwork(g);
    else this.drawBars(g);
  }

  drawCluster(g) {
    const x = this.x, n = x.length / 3, centre = [0, 0, 0], atoms = [];
    for (let k = 0; k < x.length; k++) centre[k % 3] += x[k] / n;
    const [ca, sa] = [Math.cos(this.turn[0]), Math.sin(this.turn[0])], [cb, sb] = [Math.cos(this.turn[1]), Math.sin(this.turn[1])];
    let reach = 0, nearest = 0;
    for (let k = 0; k < n; k++) {
      const a = [0, 1, 2].map((i) => x[3 * k + i] - centre[i]);
      reach = Math.max(reach, Math.hypot(...a));
      const across = ca * a[0] + sa * a[2], deep = -sa * a[0] + ca * a[2];
      atoms.push([across, cb * a[1] - sb * deep, sb * a[1] + cb * deep]);
    }
    for (const a of atoms) {
      let least = Infinity;
      for (const b of atoms) if (b !== a) least = Math.min(least, Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]));
      nearest += (Number.isFinite(least) ? least : 1) / n;
    }
    const r0 = 0.47 * nearest, unit = this.size / 2 / (1.06 * (reach + r0));
    atoms.sort((a, b) => a[2] - b[2]);
    for (const a of atoms) {
      // A little perspective, and farther balls are paler.
      const near = a[2] / (reach || 1), scale = unit * (1 + 0.06 * near), r = r0 * scale;
      const px = this.size / 2 + a[0] * scale, py = this.size / 2 - a[1] * scale;
      const ball = g.createRadialGradient(px - 0.35 * r, py - 0.35 * r, 0.05 * r, px, py, r);
      const pale = 14 * (1 - near);
      ball.addColorStop(0, `hsl(210 75% ${Math.min(94, 82 + pale / 2)}%)`);
      ball.addColorStop(0.5, `hsl(210 55% ${52 + pale}%)`);
      ball.addColorStop(1, `hsl(210 55% ${28 + pale}%)`);
      g.fillStyle = ball;
      g.beginPath();
      g.arc(px, py, r, 0, 2 * Math.PI);
      g.fill();
    }
  }

  drawNetwork(g) {
    const layers = this.layers, x = this.x, side = this.size - 16, links = [];
    const place = (layer, k) => [8 + (side * layer) / (layers.length - 1), 8 + (side * (k + 0.5)) / layers[layer]];
    let position = 0, strongest = 0;
    for (let l = 1; l < layers.length; l++)
      for (let to = 0; to < layers[l]; to++)
        for (let from = 0; from < layers[l - 1]; from++) {
          const w = x[position++];
          strongest = Math.max(strongest, Math.abs(w));
          links.push([w, l, from, to]);
        }
    strongest = strongest || 1;
    links.sort((a, b) => Math.abs(a[0]) - Math.abs(b[0]));
    for (const [w, l, from, to] of links) {
      if (Math.abs(w) < FAINT * strongest) continue;
      g.strokeStyle = w < 0 ? NEGATIVE : POSITIVE;
      g.lineWidth = 0.3 + (2.7 * Math.abs(w)) / strongest;
      g.beginPath();
      g.moveTo(...place(l - 1, from));
      g.lineTo(...place(l, to));
      g.stroke();
    }
    const r = Math.max(1.5, Math.min(7, (0.35 * side) / Math.max(...layers)));
    g.lineWidth = 1;
    g.strokeStyle = "#444";
    for (let l = 0; l < layers.length; l++)
      for (let k = 0; k < layers[l]; k++) {
        const bias = l && this.biases ? x[position++] : 0;
        g.fillStyle = Math.abs(bias) <= FAINT * strongest ? "white" : bias < 0 ? NEGATIVE : POSITIVE;
        g.beginPath();
        g.arc(...place(l, k), r, 0, 2 * Math.PI);
        g.fill();
        g.stroke();
      }
  }

  drawBars(g) {
    const x = this.x, n = x.length, size = this.size, width = size / n;
    const largest = x.reduce((most, v) => Math.max(most, Math.abs(v)), 1e-300);
    for (let k = 0; k < n; k++) {
      g.fillStyle = x[k] < 0 ? NEGATIVE : POSITIVE;
      const height = (Math.abs(x[k]) / largest) * (size / 2 - 2);
      g.fillRect(k * width, x[k] < 0 ? size / 2 : size / 2 - height, Math.max(width - 1, 0.5), height);
    }
  }
}
