// Keeps what is marked `data-live` up to date: whenever the service says that something has
// changed, the page is asked for again, and what has changed in it is put in its place.
"use strict";
(() => {
  const status = document.getElementById("status");
  const regions = () => document.querySelectorAll("[data-live]");
  if (!status || regions().length === 0) return;
  let busy = false, again = false;

  // What a person has opened stays open, and where they are they stay.
  const keepPlace = (before, after) => {
    const open = [...before.querySelectorAll("details")].map((one) => one.open);
    after.querySelectorAll("details").forEach((one, at) => { one.open = open[at] === true; });
    const focused = document.activeElement;
    if (!before.contains(focused)) return () => {};
    const at = [...before.querySelectorAll("a, summary, [tabindex]")].indexOf(focused);
    return () => after.querySelectorAll("a, summary, [tabindex]")[at]?.focus({ preventScroll: true });
  };

  const refresh = async () => {
    if (busy) { again = true; return; }
    busy = true;
    try {
      const answer = await fetch(location.href, { redirect: "error", cache: "no-store" });
      if (answer.ok) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        for (const before of regions()) {
          const name = before.getAttribute("data-live");
          const after = [...page.querySelectorAll("[data-live]")]
            .find((one) => one.getAttribute("data-live") === name);
          if (!after || after.innerHTML === before.innerHTML) continue;
          const settle = keepPlace(before, after);
          before.replaceWith(after);
          settle();
        }
      }
    } catch {
      // The stream tells when the service is back.
    } finally {
      busy = false;
      if (again) { again = false; refresh(); }
    }
  };

  const stream = new EventSource("/events");
  let lost = false;
  stream.addEventListener("changed", refresh);
  stream.addEventListener("open", () => {
    if (lost) refresh();
    lost = false;
    status.textContent = "";
  });
  stream.addEventListener("error", () => {
    // Streams end now and then, and are begun again at once.
    setTimeout(() => {
      lost = stream.readyState !== EventSource.OPEN;
      if (lost) status.textContent = "No connection to the service: what is shown may be old.";
    }, 5000);
  });
})();
