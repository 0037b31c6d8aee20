// The table of metrics sorts by the column whose header is pressed; what is unknown stays last.
for (const hint of document.querySelectorAll(".sorts")) hint.hidden = false;
for (const table of document.querySelectorAll("table")) {
  const heads = [...table.tHead.rows[0].cells], body = table.tBodies[0];
  const value = (row, column) => {
    const text = row.cells[column].dataset.sort;
    return text === undefined ? row.cells[column].textContent : text === "" ? null : Number(text);
  };
  function sort(column, order) {
    const sign = order === "ascending" ? 1 : -1;
    const sorted = [...body.rows].sort((first, second) => {
      const a = value(first, column), b = value(second, column);
      if (a === null || b === null) return (a === null) - (b === null);
      return sign * (typeof a === "string" ? a.localeCompare(b) : a - b);
    });
    body.append(...sorted);
    heads.forEach((head) => head.removeAttribute("aria-sort"));
    heads[column].setAttribute("aria-sort", order);
  }
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const first = head.dataset.first || "ascending", other = first === "ascending" ? "descending" : "ascending";
      sort(column, head.getAttribute("aria-sort") === first ? other : first);
    });
  });
}
