// Where the page comes to life.

document.documentElement.classList.add("scripted");
const page = JSON.parse(document.getElementById("page-data").textContent);
startTables(page);
startViewer();
startPlots(page);

// Tables that are folded away are printed all the same.
let unfolded = [];
addEventListener("beforeprint", () => {
  unfolded = [...document.querySelectorAll("details.fold:not([open])")].filter((fold) => fold.querySelector("figure.sheet"));
  for (const fold of unfolded) fold.open = true;
});
addEventListener("afterprint", () => {
  for (const fold of unfolded) fold.open = false;
});
