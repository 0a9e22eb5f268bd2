// The viewer's script: values under the pointer, zoom by dragging, refresh in place. Every page works without it.
"use strict";
(() => {
  const $ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const pad = (number) => String(number).padStart(2, "0");
  document.documentElement.classList.add("live");

  // Times of the server are UTC; people read their own. What is shown keeps the shape that it has.
  function local(root) {
    for (const element of $("[data-t]", root)) {
      const at = new Date(+element.dataset.t), text = element.textContent;
      const date = `${pad(at.getMonth() + 1)}/${pad(at.getDate())}`, clock = `${pad(at.getHours())}:${pad(at.getMinutes())}`;
      if (/^\d\d:\d\d$/.test(text)) element.textContent = clock;
      else if (/^\d\d:\d\d:\d\d$/.test(text)) element.textContent = `${clock}:${pad(at.getSeconds())}`;
      else if (/^\d\d\/\d\d \d\d:\d\d$/.test(text)) element.textContent = `${date} ${clock}`;
      else if (/^\d{4}-\d\d-\d\d[T ]/.test(text)) element.textContent = full(at);
    }
  }
  const full = (at) => `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())} ${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}`;

  function floating(tag, name) {
    const element = document.createElement(tag);
    element.className = name;
    element.hidden = true;
    return document.body.appendChild(element);
  }

  // Charts
  const box = floating("div", "values");
  const hidden = new Set();
  const keyOf = (chart, name) => `${chart.closest(".panel").id}/${name}`;

  function unpack(line) {
    if (line.texts) return line.texts;
    let last = "-";
    line.texts = line.v.split("|").map((text) => { if (text) last = text; return last === "-" ? null : last + line.u; });
    return line.texts;
  }

  function chartOf(chart) {
    const data = JSON.parse(chart.querySelector(".hover").textContent);
    const plot = chart.querySelector(".plot"), [from, to] = data.r;
    const shown = (index) => !hidden.has(keyOf(chart, data.s[index].n));
    const state = { chart, plot, data, from, to, cross: null };

    state.show = (time, pointer) => {
      if (!state.cross) { state.cross = document.createElement("div"); state.cross.className = "cross"; plot.append(state.cross); }
      state.cross.style.left = `${((time - from) / (to - from)) * 100}%`;
      if (!pointer) return;
      const head = document.createElement("div"), table = document.createElement("table");
      head.textContent = full(new Date(time));
      const rows = [];
      data.s.forEach((line, index) => {
        const [start, step, count] = data.m[line.m], at = Math.round((time - start) / step);
        const text = at >= 0 && at < count && shown(index) ? unpack(line)[at] : null;
        if (text === null || text === undefined) return;
        const row = table.insertRow(), name = row.insertCell(), swatch = document.createElement("i");
        swatch.style.background = line.c;
        name.append(swatch, line.n);
        row.insertCell().textContent = text;
        rows.push(row);
        const parts = /(-?)[^\d.]*([\d.]+)(.*)$/.exec(text);
        row.size = parts ? (parts[1] ? -1 : 1) * parts[2] * (data.f[parts[3]] || 1) : -Infinity;
      });
      if (data.o) rows.sort((a, b) => data.o * (a.size - b.size)).forEach((row) => table.append(row));
      if (rows.length > 24) { rows.slice(24).forEach((row) => row.remove()); const more = table.insertRow().insertCell(); more.textContent = `… and ${rows.length - 24} more`; }
      box.replaceChildren(head, table);
      box.hidden = false;
      const width = box.offsetWidth, height = box.offsetHeight;
      box.style.left = `${pointer.clientX + 16 + width > innerWidth ? Math.max(0, pointer.clientX - width - 16) : pointer.clientX + 16}px`;
      box.style.top = `${Math.max(0, Math.min(pointer.clientY + 12, innerHeight - height - 8))}px`;
    };
    state.hide = () => { state.cross?.remove(); state.cross = null; };
    const timeAt = (event) => { const edge = plot.getBoundingClientRect(); return from + Math.min(1, Math.max(0, (event.clientX - edge.left) / edge.width)) * (to - from); };
    const snap = (time) => { const [start, step, count] = data.m[0] || [from, 1, 1]; return start + Math.min(count - 1, Math.max(0, Math.round((time - start) / step))) * step; };

    let drag = null;
    plot.addEventListener("pointermove", (event) => {
      const time = snap(timeAt(event));
      for (const other of charts) other === state ? other.show(time, event) : time >= other.from && time <= other.to && other.show(time);
      if (drag) {
        const edge = plot.getBoundingClientRect(), x = Math.min(edge.width, Math.max(0, event.clientX - edge.left));
        drag.zone.style.left = `${Math.min(x, drag.x)}px`;
        drag.zone.style.width = `${Math.abs(x - drag.x)}px`;
      }
    });
    plot.addEventListener("pointerleave", () => { box.hidden = true; charts.forEach((other) => other.hide()); });
    plot.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || event.pointerType === "touch") return;
      event.preventDefault();
      plot.setPointerCapture(event.pointerId);
      drag = { time: timeAt(event), x: event.clientX - plot.getBoundingClientRect().left, zone: document.createElement("div") };
      drag.zone.className = "zoom";
      plot.append(drag.zone);
    });
    plot.addEventListener("pointerup", (event) => {
      if (!drag) return;
      const [begin, end] = [drag.time, timeAt(event)].sort((a, b) => a - b), far = Math.abs(event.clientX - plot.getBoundingClientRect().left - drag.x);
      drag = drag.zone.remove();
      if (far >= 6) go({ from: Math.round(begin), to: Math.max(Math.round(end), Math.round(begin) + 1000) });
    });
    plot.addEventListener("dblclick", () => go({ from: Math.round(from - (to - from) / 2), to: Math.round(to + (to - from) / 2) }));

    // A click on a name leaves only that line; with Ctrl or Shift it goes or comes.
    const entries = $(".legend [data-i]", chart);
    const apply = () => entries.forEach((entry) => {
      const index = +entry.dataset.i;
      entry.classList.toggle("off", !shown(index));
      chart.querySelector(`svg [data-i="${index}"]`)?.classList.toggle("off", !shown(index));
    });
    for (const entry of entries) {
      entry.tabIndex = 0;
      entry.setAttribute("role", "button");
      const toggle = (event) => {
        const keys = data.s.map((line) => keyOf(chart, line.n)), own = keys[+entry.dataset.i];
        if (event.ctrlKey || event.metaKey || event.shiftKey) hidden.has(own) ? hidden.delete(own) : hidden.add(own);
        else {
          const alone = keys.every((key) => hidden.has(key) === (key !== own));
          keys.forEach((key) => (alone || key === own ? hidden.delete(key) : hidden.add(key)));
        }
        apply();
      };
      entry.addEventListener("click", toggle);
      entry.addEventListener("keydown", (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); toggle(event); } });
    }
    apply();
    return state;
  }

  // A click on a table's head sorts by it.
  function sortable(panel) {
    const heads = $("th", panel), body = panel.querySelector("tbody");
    heads.forEach((head, column) => head.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") !== "descending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const value = (row) => { const cell = row.cells[column]; return cell.dataset.v === undefined ? cell.textContent : +cell.dataset.v; };
      const order = (a, b) => (typeof a === "number" && typeof b === "number" ? (Number.isNaN(a) ? -1 : Number.isNaN(b) ? 1 : a - b) : String(a).localeCompare(String(b)));
      body.append(...[...body.rows].sort((a, b) => (down ? -1 : 1) * order(value(a), value(b))));
    }));
  }

  let charts = [];
  function wake(root) {
    local(root);
    charts = $(".chart", root).map(chartOf);
    $(".of-table", root).forEach(sortable);
    for (const form of $(".variables", root)) {
      form.addEventListener("change", (event) => {
        const chosen = event.target, sheet = chosen.closest(".sheet");
        if (!sheet) return form.requestSubmit();
        const all = sheet.querySelector('[value="$__all"]');
        if (chosen === all && all.checked) $("input", sheet).forEach((other) => (other.checked = other === all));
        else if (all && chosen.checked) all.checked = false;
        sheet.dataset.changed = "1";
      });
      $("details", form).forEach((menu) => menu.addEventListener("toggle", () => { if (!menu.open && menu.querySelector("[data-changed]")) form.requestSubmit(); }));
    }
  }

  function go(fields) {
    const address = new URL(location);
    for (const [name, value] of Object.entries(fields)) address.searchParams.set(name, value);
    location.assign(address);
  }

  // Refresh: the same page again, its content put in place of the old one. Rows stay as they were left.
  const every = +document.body.dataset.refresh;
  const note = floating("p", "stale");
  async function refresh() {
    const busy = document.hidden || document.querySelector(".zoom, .menu[open]");
    if (!busy) {
      try {
        const answer = await fetch(location, { headers: { Accept: "text/html" } });
        if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`);
        const next = new DOMParser().parseFromString(await answer.text(), "text/html");
        const main = document.querySelector("main"), fresh = next.querySelector("main");
        const left = Object.fromEntries($("details[id]", main).map((row) => [row.id, row.open]));
        $("details[id]", fresh).forEach((row) => { if (row.id in left) row.open = left[row.id]; });
        const scrolled = $(".scroll", main).map((part) => [part.scrollTop, part.scrollLeft]);
        if (!document.querySelector(".zoom, .menu[open]")) {
          main.replaceWith(fresh);
          $(".scroll", fresh).forEach((part, index) => { if (scrolled[index]) [part.scrollTop, part.scrollLeft] = scrolled[index]; });
          wake(fresh);
          box.hidden = true;
        }
        note.hidden = true;
      } catch (error) {
        note.textContent = `Not refreshed: ${error.message}`;
        note.hidden = false;
      }
    }
    setTimeout(refresh, every * 1000);
  }
  wake(document);
  if (every > 0) setTimeout(refresh, every * 1000);
  document.addEventListener("click", (event) => $(".menu[open]").forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; }));
  document.addEventListener("keydown", (event) => event.key === "Escape" && $(".menu[open]").forEach((menu) => (menu.open = false)));
})();
