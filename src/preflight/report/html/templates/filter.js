"use strict";
const form = document.querySelector(".filters");
if (form) {
  const entries = [...document.querySelectorAll(".entry")];
  const blocks = [...document.querySelectorAll("article[data-severity]")];
  const show = () => {
    const severities = new Set([...form.severity.length ? form.severity : [form.severity]].filter((box) => box.checked).map((box) => box.value));
    const file = form.file.value;
    let shown = 0;
    for (const block of blocks) {
      let inside = 0;
      for (const entry of block.querySelectorAll(".entry")) {
        entry.hidden = file !== "" && entry.dataset.file !== file;
        inside += entry.hidden ? 0 : 1;
      }
      block.hidden = inside === 0 || !severities.has(block.dataset.severity);
      shown += block.hidden ? 0 : inside;
    }
    form.querySelector("output").textContent = shown === entries.length ? "" : `${shown} of ${entries.length} shown`;
  };
  form.addEventListener("input", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  show();
}
