// Downloads of tables, and what saving a file takes.

function saveUrl(name, url) {
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  document.getElementById("status").textContent = `${name} is saved`;
}

function save(name, type, text) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  saveUrl(name, url);
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

function startTables(page) {
  const types = { csv: "text/csv", md: "text/markdown", tex: "application/x-tex" };
  for (const figure of document.querySelectorAll("figure.sheet"))
    for (const button of figure.querySelectorAll("[data-save]"))
      button.addEventListener("click", () => {
        const { sheet } = figure.dataset;
        const kind = button.dataset.save;
        save(`${sheet}.${kind}`, types[kind], page.sheets[sheet][kind]);
      });
}
