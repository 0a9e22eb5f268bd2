// The viewer's script: values under the pointer, zoom by dragging, refresh in place. Every page works without it.
"use strict";
(() => {
  const $ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const pad = (number) => String(number).padStart(2, "0");
  document.documentElement.classList.add("live");

  // Times of the server are UTC; people read and write their own. What is shown keeps the shape that it has.
  function local(root) {
    for (const element of $("input[data-t]", root)) element.dataset.shown = element.value = full(new Date(+element.dataset.t));
    for (const element of $("[data-zone]", root)) element.textContent = zone();
    for (const element of $("[data-t]:not(input)", root)) {
      const at = new Date(+element.dataset.t), text = element.textContent;
      const date = `${pad(at.getMonth() + 1)}/${pad(at.getDate())}`, clock = `${pad(at.getHours())}:${pad(at.getMinutes())}`;
      if (/^\d\d:\d\d$/.test(text)) element.textContent = clock;
      else if (/^\d\d:\d\d:\d\d$/.test(text)) element.textContent = `${clock}:${pad(at.getSeconds())}`;
      else if (/^\d\d\/\d\d \d\d:\d\d$/.test(text)) element.textContent = `${date} ${clock}`;
      else if (/^\d{4}-\d\d-\d\d[T ]/.test(text)) element.textContent = full(at);
    }
  }
  const full = (at) => `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())} ${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}`;
  const zone = () => Intl.DateTimeFormat().resolvedOptions().timeZone || "your own time zone";
  const minutesEast = () => -new Date().getTimezoneOffset();

  // A date that somebody wrote, with or without a time of day, in milliseconds; null for everything else.
  function written(text) {
    const parts = /^\s*(\d{4})-(\d\d?)-(\d\d?)(?:[T ]+(\d\d?):(\d\d)(?::(\d\d))?(\.\d+)?)?\s*$/.exec(text);
    if (!parts) return null;
    const [year, month, day, hour, minute, second] = parts.slice(1, 7).map((part) => +(part || 0));
    return new Date(year, month - 1, day, hour, minute, second, Math.round(+(parts[7] || 0) * 1000)).getTime();
  }

  // Times in the range's form are sent as instants; days begin where the reader is.
  for (const form of $("form")) {
    form.addEventListener("formdata", ({ formData }) => {
      for (const input of $("[name=from], [name=to]", form)) {
        if (input.type === "hidden") continue;
        const at = input.dataset.t && input.value === input.dataset.shown ? +input.dataset.t : written(input.value);
        if (at !== null) formData.set(input.name, at);
      }
    });
  }
  const ends = $(".top [name=from], .top [name=to]").map((input) => input.value);
  if (ends.some((end) => end.includes("/")) && minutesEast() !== +(new URL(location).searchParams.get("tz") || 0)) {
    const address = new URL(location);
    address.searchParams.set("tz", minutesEast());
    location.replace(address);
  }

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

    const second = (time) => Math.round(time / 1000) * 1000;

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
      if (far >= 6) go({ from: second(begin), to: Math.max(second(end), second(begin) + 1000) });
    });
    plot.addEventListener("dblclick", () => go({ from: second(from - (to - from) / 2), to: second(to + (to - from) / 2) }));

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

  // A click on a table's head sorts by it, and so it stays over a refresh.
  const sorted = new Map();
  function sortable(panel) {
    const heads = $("th", panel), body = panel.querySelector("tbody");
    const sort = (column, down) => {
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      heads[column].setAttribute("aria-sort", down ? "descending" : "ascending");
      const value = (row) => { const cell = row.cells[column]; return cell.dataset.v === undefined ? cell.textContent : +cell.dataset.v; };
      const order = (a, b) => (typeof a === "number" && typeof b === "number" ? (Number.isNaN(a) ? -1 : Number.isNaN(b) ? 1 : a - b) : String(a).localeCompare(String(b)));
      body.append(...[...body.rows].sort((a, b) => (down ? -1 : 1) * order(value(a), value(b))));
    };
    heads.forEach((head, column) => head.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") !== "descending";
      sorted.set(panel.id, { title: head.textContent, down });
      sort(column, down);
    }));
    const chosen = sorted.get(panel.id), column = chosen ? heads.findIndex((head) => head.textContent === chosen.title) : -1;
    if (column >= 0) sort(column, chosen.down);
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

  // What has the focus, by its place in the nearest part of the page that has a name.
  function focused(main) {
    const element = document.activeElement, part = main.contains(element) ? element.closest("[id]") : null;
    return part && main.contains(part) ? { id: part.id, index: $("*", part).indexOf(element), tag: element.tagName } : null;
  }
  function focus(main, at) {
    const part = at && $("[id]", main).find((part) => part.id === at.id), element = part && (at.index < 0 ? part : $("*", part)[at.index]);
    if (element?.tagName === at?.tag) element?.focus({ preventScroll: true });
  }

  // Refresh: the same page again, its content put in place of the old one. What the reader has opened, sorted, scrolled
  // and focused stays; what they are choosing, writing or marking is left alone.
  const every = +document.body.dataset.refresh;
  const note = floating("p", "stale");
  const busy = () => document.hidden || document.querySelector(".zoom, .menu[open]") || !getSelection().isCollapsed || document.activeElement?.matches("main input, main select");
  async function refresh() {
    if (!busy()) {
      try {
        const answer = await fetch(location, { headers: { Accept: "text/html" } });
        if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`);
        const next = new DOMParser().parseFromString(await answer.text(), "text/html");
        if (!busy()) {
          const main = document.querySelector("main"), fresh = next.querySelector("main"), at = focused(main);
          const left = Object.fromEntries($("details[id]", main).map((row) => [row.id, row.open]));
          $("details[id]", fresh).forEach((row) => { if (row.id in left) row.open = left[row.id]; });
          const scrolled = $(".scroll", main).map((part) => [part.scrollTop, part.scrollLeft]);
          main.replaceWith(fresh);
          wake(fresh);
          $(".scroll", fresh).forEach((part, index) => { if (scrolled[index]) [part.scrollTop, part.scrollLeft] = scrolled[index]; });
          focus(fresh, at);
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

  // The page does not know which theme the system has; the button leads to the other one.
  const theme = document.querySelector(".theme");
  if (theme && !document.documentElement.dataset.theme && matchMedia("(prefers-color-scheme: light)").matches) {
    const address = new URL(theme.href);
    address.searchParams.set("theme", "dark");
    theme.href = address;
    theme.title = "Dark theme";
    theme.setAttribute("aria-label", theme.title);
  }
  wake(document);
  if (every > 0) setTimeout(refresh, every * 1000);
  document.addEventListener("click", (event) => $(".menu[open]").forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; }));
  document.addEventListener("keydown", (event) => event.key === "Escape" && $(".menu[open]").forEach((menu) => (menu.open = false)));
})();
