// tables sort by a click on a heading; the claims' filters live in the address, so that a view can be sent to somebody
for (const table of document.querySelectorAll("table.sortable")) {
  for (const button of table.querySelectorAll("thead button")) {
    button.addEventListener("click", () => {
      const head = button.closest("th"), column = head.cellIndex, body = table.tBodies[0];
      const up = head.getAttribute("aria-sort") !== "ascending";
      for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const value = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent.trim();
      const order = (a, b) => value(a).localeCompare(value(b), "en", { numeric: true });
      body.append(...[...body.rows].sort((a, b) => (up ? order(a, b) : order(b, a))));
    });
  }
}
const form = document.getElementById("filters");
if (form) {
  const rows = [...document.querySelectorAll("#claims tbody tr")];
  const show = () => {
    const wish = Object.fromEntries([...new FormData(form)].filter(([, value]) => value));
    const terms = (wish.q ?? "").toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !terms.every((term) => text.includes(term)) ||
        Object.entries(wish).some(([key, value]) => key !== "q" && row.dataset[key] !== value);
      count += !row.hidden;
    }
    document.getElementById("count").textContent = `${count} of ${rows.length} claims`;
    return wish;
  };
  const read = () => {
    const address = new URLSearchParams(location.hash.slice(1));
    for (const field of form.elements) {
      if (field.type === "checkbox") field.checked = address.get(field.name) === field.value;
      else if (field.name) field.value = address.get(field.name) ?? "";
    }
    show();
  };
  const write = () => history.replaceState(null, "", "#" + new URLSearchParams(show()));
  form.addEventListener("input", write);
  form.addEventListener("reset", () => setTimeout(write));
  form.addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", read);
  read();
}
// a figure opens large over the page; without this script its link leads to the file
const pictures = [...document.querySelectorAll("a.large")];
if (pictures.length) {
  const box = document.createElement("dialog"), picture = new Image(), words = document.createElement("div");
  box.className = "large";
  box.setAttribute("aria-label", "A figure, large");
  const bar = box.appendChild(document.createElement("p"));
  let at = 0;
  const show = (index) => {
    at = (index + pictures.length) % pictures.length;
    const link = pictures[at], inner = link.querySelector("img"), place = document.getElementById(link.dataset.caption);
    picture.src = link.href;
    picture.alt = inner.alt;
    words.replaceChildren(...((place?.querySelector("figcaption") ?? link.parentNode).cloneNode(true).childNodes));
    words.querySelector("a.large")?.remove();
  };
  for (const [text, act] of [["← Previous", () => show(at - 1)], ["Next →", () => show(at + 1)], ["Close", () => box.close()]]) {
    const button = bar.appendChild(document.createElement("button"));
    button.textContent = text;
    button.addEventListener("click", act);
  }
  box.append(picture, words);
  box.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step) show(at + step);
  });
  box.addEventListener("click", (event) => {
    if (event.target === box || event.target.closest("a[href^='#']")) box.close();
  });
  document.body.append(box);
  pictures.forEach((link, index) => link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    show(index);
    box.showModal();
  }));
}
