// The graph in the browser: branches on a WebGL canvas, axis and marks on a second canvas above it, words in a side panel.
// Everything comes from one packed binary block inside the page; nothing is loaded from elsewhere.

const TYPES = { f4: Float32Array, f8: Float64Array, i4: Int32Array, u1: Uint8Array };

async function unpack() {
  const header = JSON.parse(document.getElementById("header").textContent);
  const text = atob(document.getElementById("data").textContent.trim());
  const bytes = Uint8Array.from(text, (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const buffer = await new Response(stream).arrayBuffer();
  const arrays = {};
  for (const [name, type, offset, length] of header.arrays) arrays[name] = new TYPES[type](buffer, offset, length);
  return { header, ...arrays };
}

class Viewer {
  constructor(data) {
    Object.assign(this, data);
    this.nodes = this.parent.length;
    this.shown = new Uint8Array(this.nodes).fill(1);
    this.lines = document.getElementById("lines");
    this.marks = document.getElementById("marks");
    this.info = document.getElementById("info");
    this.pathInfo = document.getElementById("path");
    this.selected = [];
    this.values = null;
    this.leafOf = new Int32Array(this.energy.length).fill(-1);
    this.leaves = [];
    for (let k = 0; k < this.nodes; k++) if (this.leaf[k]) { this.leaves.push(k); this.leafOf[this.lowest[k]] = k; }
    this.leaves.sort((a, b) => this.endX[a] - this.endX[b]);
    this.home();
    this.startGL();
    this.fillControls();
    this.listen();
    this.colourBy(this.header.colour || "");
    this.readAddress();
    this.resize();
  }

  home() {
    const height = this.header.first - this.header.last;
    // Room for the axis at the left.
    this.view = { x: -0.11, w: 1.14, top: this.header.first + 0.04 * height, h: 1.09 * height };
  }

  // ---------------------------------------------------------------- branches

  // Corners of branch k: parent, one level below, own end.
  corners(k) {
    return [[this.parentX[k], this.topE[k]], [this.bendX[k], this.bendE[k]], [this.endX[k], this.endE[k]]];
  }

  startGL() {
    // A small graph gets the thicker lines of a plain canvas, which is quick enough for it.
    this.gl = null;
    if (this.nodes < 3000) return;
    const gl = (this.gl = this.lines.getContext("webgl", { antialias: true, preserveDrawingBuffer: true }));
    if (!gl) return;
    const compile = (kind, source) => {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      return shader;
    };
    const program = gl.createProgram();
    gl.attachShader(program, compile(gl.VERTEX_SHADER,
      "attribute vec2 p; attribute vec3 c; uniform vec4 v; varying vec3 colour;" +
      "void main() { colour = c; gl_Position = vec4((p.x - v.x) * v.y, (p.y - v.z) * v.w, 0.0, 1.0) + vec4(-1.0, 1.0, 0.0, 0.0); }"));
    gl.attachShader(program, compile(gl.FRAGMENT_SHADER,
      "precision mediump float; varying vec3 colour; void main() { gl_FragColor = vec4(colour, 1.0); }"));
    gl.linkProgram(program);
    gl.useProgram(program);
    this.viewUniform = gl.getUniformLocation(program, "v");
    this.buffers = [gl.createBuffer(), gl.createBuffer()];
    for (const [k, name, size, type, normal] of [[0, "p", 2, gl.FLOAT, false], [1, "c", 3, gl.UNSIGNED_BYTE, true]]) {
      const place = gl.getAttribLocation(program, name);
      gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers[k]);
      gl.enableVertexAttribArray(place);
      gl.vertexAttribPointer(place, size, type, normal, 0, 0);
    }
  }

  upload() {
    if (!this.gl) return;
    const gl = this.gl, position = new Float32Array(8 * this.nodes), colour = new Uint8Array(12 * this.nodes);
    let n = 0;
    // Energies relative to the highest level: single precision keeps seven digits of the differences.
    const zero = this.header.first;
    for (let k = 0; k < this.nodes; k++) {
      if (!this.shown[k]) continue;
      const c = this.corners(k), rgb = this.rgbOf(k);
      for (const [a, b] of [[0, 1], [1, 2]])
        for (const i of [a, b]) {
          position[2 * n] = c[i][0];
          position[2 * n + 1] = c[i][1] - zero;
          colour.set(rgb, 3 * n);
          n++;
        }
    }
    this.vertices = n;
    const kept = this.distinguishable(position, n);
    this.coarse = 2 * kept.length;
    const all = new Float32Array(2 * (n + this.coarse)), rgb = new Uint8Array(3 * (n + this.coarse));
    all.set(position.subarray(0, 2 * n));
    rgb.set(colour.subarray(0, 3 * n));
    kept.forEach((line, k) => {
      all.set(position.subarray(4 * line, 4 * line + 4), 2 * n + 4 * k);
      rgb.set(colour.subarray(6 * line, 6 * line + 6), 3 * n + 6 * k);
    });
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers[0]);
    gl.bufferData(gl.ARRAY_BUFFER, all, gl.STATIC_DRAW);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers[1]);
    gl.bufferData(gl.ARRAY_BUFFER, rgb, gl.STATIC_DRAW);
  }

  // Lines that show while most of the graph is in view: on a grid of about a pixel, upright ones that later ones do not cover,
  // and different sloping ones. Drawing the others too would only take time.
  distinguishable(position, n) {
    const G = 2400, height = this.header.first - this.header.last, covered = new Uint8Array((G + 1) * (G + 1));
    const seen = new Set(), kept = [];
    const column = (i) => Math.min(G, Math.max(0, Math.floor(position[2 * i] * G)));
    const row = (i) => Math.min(G, Math.max(0, Math.floor((-position[2 * i + 1] / height) * G)));
    for (let line = n / 2 - 1; line >= 0; line--) {
      const c1 = column(2 * line), c2 = column(2 * line + 1), r1 = row(2 * line), r2 = row(2 * line + 1);
      let shows = false;
      if (c1 === c2) {
        for (let k = c1 * (G + 1) + Math.min(r1, r2), end = c1 * (G + 1) + Math.max(r1, r2); k <= end; k++)
          if (!covered[k]) { covered[k] = 1; shows = true; }
      } else {
        const key = ((c1 * (G + 1) + r1) * (G + 1) + c2) * (G + 1) + r2;
        shows = !seen.has(key);
        seen.add(key);
      }
      if (shows) kept.push(line);
    }
    return kept.reverse();
  }

  rgbOf(k) {
    const v = this.nodeValues ? this.nodeValues[k] : NaN;
    if (Number.isNaN(v)) return [0, 0, 0];
    const t = Math.min(255, Math.max(0, Math.floor((256 * (v - this.low)) / (this.high - this.low || 1))));
    return this.palette.subarray(3 * t, 3 * t + 3);
  }

  // A branch takes the largest, smallest or mean value of its minima, or that of the lowest, as in the other pictures.
  colourBy(name) {
    this.colourName = name;
    document.getElementById("colour").value = name;
    this.values = name ? this["p:" + name] : null;
    this.nodeValues = null;
    if (this.values) {
      const rule = this.header.rule, m = this.nodes;
      const sum = new Float64Array(m), count = new Float64Array(m);
      const best = new Float64Array(m).fill(rule === "MIN" ? Infinity : -Infinity);
      let low = Infinity, high = -Infinity;
      const join = (k, v, w) => {
        sum[k] += v * w;
        count[k] += w;
        best[k] = rule === "MIN" ? Math.min(best[k], v) : Math.max(best[k], v);
      };
      for (let i = 0; i < this.energy.length; i++) {
        const v = this.values[i];
        if (this.attach[i] < 0 || Number.isNaN(v)) continue;
        join(this.attach[i], v, 1);
        low = Math.min(low, v);
        high = Math.max(high, v);
      }
      this.nodeValues = new Float64Array(m).fill(NaN);
      // Daughters come before parents.
      for (let k = 0; k < m; k++) {
        if (count[k] > 0) {
          if (this.parent[k] >= 0) {
            sum[this.parent[k]] += sum[k];
            count[this.parent[k]] += count[k];
            const p = this.parent[k];
            best[p] = rule === "MIN" ? Math.min(best[p], best[k]) : Math.max(best[p], best[k]);
          }
          this.nodeValues[k] = rule === "MEAN" ? sum[k] / count[k] : best[k];
        }
        if (rule === "LOWEST" || rule === "NONE")
          this.nodeValues[k] = rule === "NONE" && !this.leaf[k] ? NaN : this.values[this.lowest[k]];
      }
      const fixed = this.header.range && name === this.header.colour;
      [this.low, this.high] = fixed ? this.header.range : [low, high];
    }
    this.drawScale();
    this.upload();
    this.draw();
  }

  drawScale() {
    const scale = document.getElementById("scale");
    scale.hidden = !this.values;
    if (!this.values) return;
    const stops = [];
    for (let k = 0; k < 256; k += 15) stops.push(`rgb(${this.palette.subarray(3 * k, 3 * k + 3).join()}) ${(k / 2.55).toFixed(1)}%`);
    scale.querySelector(".bar").style.background = `linear-gradient(to right, ${stops.join()})`;
    scale.querySelector(".low").textContent = number(this.low);
    scale.querySelector(".high").textContent = number(this.high);
  }

  // ---------------------------------------------------------------- filter

  filter() {
    const bound = (id, otherwise) => {
      const text = document.getElementById(id).value.trim();
      return text === "" || Number.isNaN(Number(text)) ? otherwise : Number(text);
    };
    const name = document.getElementById("filter").value;
    const values = name === "energy" ? this.energy : this["p:" + name];
    const low = bound("from", -Infinity), high = bound("to", Infinity);
    const open = low === -Infinity && high === Infinity;
    this.shown.fill(open ? 1 : 0);
    let count = 0;
    for (let i = 0; i < this.energy.length; i++) {
      if (this.attach[i] < 0 || (!open && !(values[i] >= low && values[i] <= high))) continue;
      count++;
      this.shown[this.attach[i]] = 1;
    }
    if (!open) for (let k = 0; k < this.nodes; k++) if (this.shown[k] && this.parent[k] >= 0) this.shown[this.parent[k]] = 1;
    document.getElementById("count").textContent = `${count} minima shown`;
    this.upload();
    this.draw();
  }

  // ---------------------------------------------------------------- drawing

  toPixel(x, e) {
    const v = this.view;
    return [((x - v.x) / v.w) * this.width, ((v.top - e) / v.h) * this.height];
  }

  draw() {
    if (this.pending) return;
    this.pending = true;
    requestAnimationFrame(() => { this.pending = false; this.drawNow(); });
  }

  drawNow() {
    const v = this.view, gl = this.gl;
    if (gl) {
      gl.viewport(0, 0, this.lines.width, this.lines.height);
      gl.clearColor(1, 1, 1, 1);
      gl.clear(gl.COLOR_BUFFER_BIT);
      gl.uniform4f(this.viewUniform, v.x, 2 / v.w, v.top - this.header.first, 2 / v.h);
      const far = v.w > 0.5 && v.h > 0.5 * (this.header.first - this.header.last);
      gl.drawArrays(gl.LINES, far ? this.vertices : 0, far ? this.coarse : this.vertices);
    } else this.drawFlat();
    const g = this.marks.getContext("2d"), ratio = this.ratio;
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    g.clearRect(0, 0, this.width, this.height);
    this.drawAxis(g);
    this.drawPath(g);
    if (this.hovered >= 0) this.drawDot(g, this.hovered, "#d62728");
  }

  // Without WebGL: a plain canvas, one line for all branches that share a pixel column.
  drawFlat() {
    const g = this.lines.getContext("2d");
    g.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    g.clearRect(0, 0, this.width, this.height);
    g.lineWidth = this.nodes < 500 ? 1.5 : 1;
    g.lineJoin = "round";
    for (let k = 0; k < this.nodes; k++) {
      if (!this.shown[k]) continue;
      const c = this.corners(k).map(([x, e]) => this.toPixel(x, e));
      if (Math.max(c[0][0], c[2][0]) < 0 || Math.min(c[0][0], c[2][0]) > this.width || c[0][1] > this.height || c[2][1] < 0) continue;
      g.strokeStyle = `rgb(${Array.from(this.rgbOf(k)).join()})`;
      g.beginPath();
      g.moveTo(...c[0]);
      g.lineTo(...c[1]);
      g.lineTo(...c[2]);
      g.stroke();
    }
  }

  ticks() {
    const rough = this.view.h / 9, power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((f) => f * power).find((s) => s >= rough);
    const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
    const found = [];
    for (let k = Math.ceil((this.view.top - this.view.h) / step); k * step <= this.view.top; k++)
      found.push([k * step, (k * step).toFixed(digits)]);
    return found;
  }

  drawAxis(g) {
    g.fillStyle = "rgba(255,255,255,0.85)";
    g.fillRect(0, 0, 64, this.height);
    g.strokeStyle = g.fillStyle = "#222";
    g.lineWidth = 1;
    g.font = "11px sans-serif";
    g.textAlign = "right";
    g.textBaseline = "middle";
    g.beginPath();
    g.moveTo(64.5, 0);
    g.lineTo(64.5, this.height);
    for (const [value, text] of this.ticks()) {
      const y = Math.round(this.toPixel(0, value)[1]) + 0.5;
      g.moveTo(60, y);
      g.lineTo(64, y);
      g.fillText(text, 57, y);
    }
    g.stroke();
    g.save();
    g.translate(10, this.height / 2);
    g.rotate(-Math.PI / 2);
    g.textAlign = "center";
    g.fillText(this.header.label, 0, 0);
    g.restore();
  }

  drawDot(g, minimum, colour) {
    const k = this.leafOf[minimum];
    if (k < 0) return;
    const [x, y] = this.toPixel(this.endX[k], this.endE[k]);
    g.fillStyle = colour;
    g.beginPath();
    g.arc(x, y, 4, 0, 2 * Math.PI);
    g.fill();
  }

  drawPath(g) {
    g.strokeStyle = "#d62728";
    g.lineWidth = 2.2;
    for (const k of this.highlight || []) {
      const c = this.corners(k).map(([x, e]) => this.toPixel(x, e));
      g.beginPath();
      g.moveTo(...c[0]);
      g.lineTo(...c[1]);
      g.lineTo(...c[2]);
      g.stroke();
    }
    for (const m of this.route || []) this.drawDot(g, m, "#ff9896");
    for (const m of this.selected) this.drawDot(g, m, "#d62728");
  }

  // ---------------------------------------------------------------- questions

  // Branch end whose line is nearest to a pixel, -1 when none is near.
  pick(px, py) {
    const x = this.view.x + (px / this.width) * this.view.w, e = this.view.top - (py / this.height) * this.view.h;
    const reach = (8 / this.width) * this.view.w, slack = (8 / this.height) * this.view.h;
    let low = 0, high = this.leaves.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.endX[this.leaves[middle]] < x - reach) low = middle + 1;
      else high = middle;
    }
    let best = -1, nearest = Infinity;
    for (; low < this.leaves.length && this.endX[this.leaves[low]] <= x + reach; low++) {
      const k = this.leaves[low];
      if (!this.shown[k] || e > this.topE[k] + slack || e < this.endE[k] - slack) continue;
      const distance = Math.abs(this.endX[k] - x) / reach + 0.2 * Math.abs(this.endE[k] - e) / this.view.h;
      if (distance < nearest) { nearest = distance; best = this.lowest[k]; }
    }
    return best;
  }

  describe(minimum) {
    if (minimum < 0) return "Point at the end of a branch.";
    const lines = [`Minimum ${minimum + 1}`, `energy ${this.energy[minimum].toPrecision(12)}`];
    for (const name of this.header.properties) {
      const v = this["p:" + name][minimum];
      if (name !== "energy" && !Number.isNaN(v)) lines.push(`${name} ${number(v)}`);
    }
    const k = this.leafOf[minimum];
    if (k >= 0 && this.size[k] > 1) lines.push(`lowest of ${this.size[k]} minima in this branch`);
    return lines.join("\n");
  }

  hover(minimum) {
    if (minimum === this.hovered) return;
    this.hovered = minimum;
    this.info.textContent = this.describe(minimum);
    this.drawStructure(minimum);
    this.draw();
  }

  // The lowest path: climb the minimum spanning tree from both ends to where they meet.
  path(a, b) {
    const left = [a], right = [b];
    let barrier = -Infinity, highest = -1, i = a, j = b;
    const up = (m, list) => {
      if (this.spanTs[m] > barrier) { barrier = this.spanTs[m]; highest = m; }
      const next = this.spanParent[m];
      list.push(next);
      return next;
    };
    while (i !== j) {
      if (i < 0 || j < 0) return null;
      if (this.spanDepth[i] >= this.spanDepth[j]) i = up(i, left);
      else j = up(j, right);
    }
    right.pop();
    return { minima: left.concat(right.reverse()), barrier, highest };
  }

  branchesBetween(a, b) {
    const above = new Set();
    for (let k = this.attach[a]; k >= 0; k = this.parent[k]) above.add(k);
    let meet = this.attach[b];
    const found = [];
    while (meet >= 0 && !above.has(meet)) { found.push(meet); meet = this.parent[meet]; }
    for (let k = this.attach[a]; k >= 0 && k !== meet; k = this.parent[k]) found.push(k);
    return found;
  }

  select(minimum) {
    if (minimum < 0) { this.selected = []; this.route = []; this.highlight = []; this.pathInfo.textContent = ""; return this.draw(); }
    if (this.selected.length > 1) this.selected = [];
    this.selected.push(minimum);
    this.route = [];
    this.highlight = [];
    if (this.selected.length === 1) this.pathInfo.textContent = `From minimum ${minimum + 1}: click another one for the lowest path.`;
    else {
      const [a, b] = this.selected, path = this.path(a, b);
      if (!path) this.pathInfo.textContent = `Minima ${a + 1} and ${b + 1} are not connected.`;
      else {
        this.route = path.minima;
        this.highlight = this.branchesBetween(a, b);
        this.pathInfo.textContent = [
          `Lowest path from ${a + 1} to ${b + 1}: ${path.minima.length - 1} step${path.minima.length === 2 ? "" : "s"}`,
          `highest transition state ${path.barrier.toPrecision(12)}`,
          `barrier from ${a + 1}: ${number(path.barrier - this.energy[a])}`,
          `barrier from ${b + 1}: ${number(path.barrier - this.energy[b])}`,
          `minima: ${path.minima.map((m) => m + 1).join(" ")}`,
        ].join("\n");
      }
    }
    this.draw();
  }

  drawStructure(minimum) {
    const canvas = document.getElementById("structure"), d = this.header.variables;
    canvas.hidden = !d || minimum < 0;
    if (canvas.hidden) return;
    this.structure = this.structure || new Structure(canvas, this.header.structure);
    this.structure.show(this.coordinates.subarray(d * minimum, d * minimum + d));
  }

  // ---------------------------------------------------------------- saving

  svg() {
    const parts = [`<svg xmlns="http://www.w3.org/2000/svg" width="${this.width}" height="${this.height}" font-family="sans-serif" font-size="11">`];
    parts.push('<rect width="100%" height="100%" fill="white"/>', '<g fill="none" stroke-width="0.8">');
    const byColour = new Map();
    for (let k = 0; k < this.nodes; k++) {
      if (!this.shown[k]) continue;
      const c = this.corners(k).map(([x, e]) => this.toPixel(x, e).map((v) => v.toFixed(2)));
      const colour = Array.from(this.rgbOf(k)).join();
      if (!byColour.has(colour)) byColour.set(colour, []);
      byColour.get(colour).push(`M${c[0]}L${c[1]}L${c[2]}`);
    }
    for (const [colour, lines] of byColour) parts.push(`<path stroke="rgb(${colour})" d="${lines.join("")}"/>`);
    for (const k of this.highlight || []) {
      const c = this.corners(k).map(([x, e]) => this.toPixel(x, e).map((v) => v.toFixed(2)));
      parts.push(`<path stroke="#d62728" stroke-width="2.2" d="M${c[0]}L${c[1]}L${c[2]}"/>`);
    }
    parts.push("</g>", `<g stroke="black"><path d="M64.5 0V${this.height}"/>`);
    for (const [value] of this.ticks()) parts.push(`<path d="M60 ${this.toPixel(0, value)[1].toFixed(2)}h4.5"/>`);
    parts.push("</g>");
    for (const [value, text] of this.ticks())
      parts.push(`<text x="57" y="${(this.toPixel(0, value)[1] + 4).toFixed(2)}" text-anchor="end">${text}</text>`);
    parts.push(`<text transform="translate(12 ${this.height / 2}) rotate(-90)" text-anchor="middle">${escape(this.header.label)}</text></svg>`);
    return parts.join("\n");
  }

  save(kind) {
    const offer = (blob) => {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(blob);
      link.download = `tree.${kind}`;
      link.click();
    };
    if (kind === "svg") return offer(new Blob([this.svg()], { type: "image/svg+xml" }));
    const copy = document.createElement("canvas");
    copy.width = this.lines.width;
    copy.height = this.lines.height;
    const g = copy.getContext("2d");
    this.drawNow();
    g.drawImage(this.lines, 0, 0);
    g.drawImage(this.marks, 0, 0);
    copy.toBlob(offer, "image/png");
  }

  // ---------------------------------------------------------------- events

  fillControls() {
    for (const [id, names] of [["colour", ["", ...this.header.properties]], ["filter", this.header.properties]]) {
      for (const name of names) {
        const option = document.createElement("option");
        option.value = name;
        option.textContent = name || "black";
        document.getElementById(id).append(option);
      }
    }
  }

  zoom(px, py, factor, horizontal, vertical) {
    const v = this.view, fx = px / this.width, fy = py / this.height;
    if (horizontal) { v.x += fx * v.w * (1 - factor); v.w *= factor; }
    if (vertical) { v.top -= fy * v.h * (1 - factor); v.h *= factor; }
    this.draw();
  }

  listen() {
    const area = this.marks;
    const at = (event) => { const box = area.getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top]; };
    area.addEventListener("wheel", (event) => {
      event.preventDefault();
      const [px, py] = at(event);
      this.zoom(px, py, Math.exp(0.0015 * event.deltaY), !event.altKey, !event.shiftKey);
    }, { passive: false });
    area.addEventListener("pointerdown", (event) => { this.drag = [...at(event), 0]; area.setPointerCapture(event.pointerId); });
    area.addEventListener("pointermove", (event) => {
      const [px, py] = at(event);
      if (!this.drag) return this.hover(this.pick(px, py));
      const [x, y, moved] = this.drag;
      this.view.x -= ((px - x) / this.width) * this.view.w;
      this.view.top += ((py - y) / this.height) * this.view.h;
      this.drag = [px, py, moved + Math.abs(px - x) + Math.abs(py - y)];
      this.draw();
    });
    area.addEventListener("pointerup", (event) => {
      const moved = this.drag ? this.drag[2] : 0;
      this.drag = null;
      if (moved < 4) this.select(this.pick(...at(event)));
    });
    area.addEventListener("dblclick", () => { this.home(); this.draw(); });
    document.getElementById("colour").addEventListener("change", (event) => this.colourBy(event.target.value));
    for (const id of ["filter", "from", "to"]) document.getElementById(id).addEventListener("input", () => this.filter());
    document.getElementById("home").addEventListener("click", () => { this.home(); this.draw(); });
    document.getElementById("svg").addEventListener("click", () => this.save("svg"));
    document.getElementById("png").addEventListener("click", () => this.save("png"));
    window.addEventListener("resize", () => this.resize());
    window.addEventListener("hashchange", () => this.readAddress());
  }

  // tree.html#minimum=12&to=40 opens with these two chosen: a view that can be passed on.
  readAddress() {
    const wanted = new URLSearchParams(location.hash.slice(1));
    const index = (name) => (wanted.has(name) ? Math.min(Math.max(Number(wanted.get(name)) || 1, 1), this.energy.length) - 1 : -1);
    this.select(-1);
    if (index("minimum") < 0) return;
    this.hover(index("minimum"));
    this.select(index("minimum"));
    if (index("to") >= 0) this.select(index("to"));
  }

  resize() {
    const box = document.getElementById("stage").getBoundingClientRect();
    this.ratio = window.devicePixelRatio || 1;
    this.width = box.width;
    this.height = box.height;
    for (const canvas of [this.lines, this.marks]) {
      canvas.width = Math.round(box.width * this.ratio);
      canvas.height = Math.round(box.height * this.ratio);
    }
    this.drawNow();
  }
}

function number(value) {
  return String(Number(value.toPrecision(6)));
}

function escape(text) {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;");
}

unpack().then((data) => {
  window.viewer = new Viewer(data);
  document.body.dataset.ready = "yes";
});
