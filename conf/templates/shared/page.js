/* The countdown, the opening of "Send it now", and a look whether a decision has been carried out. All of the page works without it.
   It asks nothing of anybody but the page itself, by GET. */
"use strict";

(() => {
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const loaded = Date.now(); /* times are told as seconds from then: nobody's clock need be right */
  const left = (s) => Math.ceil((loaded - Date.now()) / 1000 + Number(s));

  /* With calm, or with hours to go, only the minutes move. */
  function written(s) {
    if (s >= 3600 || calm) {
      const min = Math.ceil(s / 60);
      return min < 60 ? `${min} min` : `${Math.floor(min / 60)} h ${min % 60} min`;
    }
    return s < 60 ? `${s} s` : `${Math.floor(s / 60)} min ${s % 60} s`;
  }

  /* Looks again, each time after twice as long and five times at most: the count survives in the history's state. */
  function lookAgain(after) {
    const n = history.state?.looked ?? 0;
    if (n >= 5) return;
    setTimeout(() => {
      history.replaceState({ looked: n + 1 }, "");
      location.reload();
    }, after * 2 ** n);
  }

  /* Said aloud at ten, five and one minute, and not in between. */
  function countDown(timer) {
    const said = document.createElement("span");
    said.className = "unseen";
    said.setAttribute("aria-live", "polite");
    timer.parentNode.append(said);
    let before = left(timer.dataset.left);
    if (before <= 0) return;
    const tick = setInterval(() => {
      const s = Math.max(0, left(timer.dataset.left));
      const text = written(s);
      if (timer.textContent !== text) timer.textContent = text;
      if ([600, 300, 60].some((at) => before > at && s <= at)) said.textContent = `${timer.dataset.label} ${Math.ceil(s / 60)} min`;
      before = s;
      if (s > 0) return;
      clearInterval(tick);
      lookAgain(3000);
    }, 1000);
  }

  function openInTime(button) {
    const s = Number(button.dataset.opens);
    if (s > 86400) return; /* setTimeout knows no more than 24 days */
    setTimeout(() => {
      button.disabled = false;
      document.getElementById("opens")?.remove();
    }, s * 1000);
  }

  document.querySelectorAll("[data-left]").forEach(countDown);
  document.querySelectorAll("[data-opens]").forEach(openInTime);
  if ("soon" in document.body.dataset) lookAgain(1500);
})();
