"use strict";
// Each form filters the items of one list by words and by the values of their data attributes.
for (const form of document.querySelectorAll("form.finder")) {
  const items = [...document.getElementById(form.dataset.finds).querySelectorAll("[data-item]")];
  // Normalise full-width and composed characters, so that a search in plain characters finds them.
  const plain = (text) => text.normalize("NFKC").toLowerCase();
  const texts = items.map((item) => plain(item.textContent));
  const choices = [...form.querySelectorAll("select")];
  const show = () => {
    const words = plain(form.elements.words.value).split(/\s+/).filter(Boolean);
    let shown = 0;
    items.forEach((item, place) => {
      const chosen = choices.every((choice) => !choice.value || item.dataset[choice.name] === choice.value);
      item.hidden = !(chosen && words.every((word) => texts[place].includes(word)));
      shown += item.hidden ? 0 : 1;
    });
    form.querySelector("output").textContent = `${shown} of ${items.length} shown`;
  };
  form.addEventListener("input", show);
  form.addEventListener("reset", () => setTimeout(show));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  show();
}
// A bar of the chart of outcomes opens the samples of its outcome.
for (const link of document.querySelectorAll("a[data-outcome]")) {
  link.addEventListener("click", () => {
    const form = document.querySelector("form[data-finds=samples-list]");
    form.reset();
    // If all samples have the same outcome, there is no filter for it.
    if (form.elements.outcome) form.elements.outcome.value = link.dataset.outcome;
    form.dispatchEvent(new Event("input"));
    const first = document.querySelector("#samples-list [data-item]:not([hidden])");
    if (first) first.open = true;
  });
}
// Show the label of a chart's mark on hover.
for (const mark of document.querySelectorAll(".plot [aria-label]")) {
  const title = document.createElementNS(mark.namespaceURI, "title");
  title.textContent = mark.getAttribute("aria-label");
  mark.append(title);
}
