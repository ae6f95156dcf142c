// Keeps the page current: an event of the daemon fetches it again and exchanges what changed.
// The page is whole without this. Nothing moves the focus; a button pauses it.
"use strict";
(function () {
  var timer = 0, paused = false, last = 0;

  function localTimes(root) {
    root.querySelectorAll("time[datetime]").forEach(function (node) {
      var at = new Date(node.dateTime);
      if (isNaN(at)) return;
      var far = Math.abs(at - Date.now()) > 20 * 3600 * 1000;
      node.textContent = at.toLocaleString(undefined, far
        ? { year: "numeric", month: "short", day: "numeric" }
        : { hour: "2-digit", minute: "2-digit" });
      node.title = at.toString();
    });
  }

  function exchange(text) {
    var fresh = new DOMParser().parseFromString(text, "text/html");
    localTimes(fresh);
    document.querySelectorAll("[data-live]").forEach(function (old) {
      var now = fresh.getElementById(old.id);
      if (!now || now.innerHTML === old.innerHTML || old.contains(document.activeElement)) return;
      old.innerHTML = now.innerHTML;
      old.classList.remove("changed");
      void old.offsetWidth;
      old.classList.add("changed");
    });
  }

  function refresh() {
    timer = 0;
    last = Date.now();
    if (paused || document.hidden) return;
    fetch("/", { credentials: "omit" }).then(function (answer) {
      return answer.ok ? answer.text() : "";
    }).then(function (text) { if (text) exchange(text); }).catch(function () {});
  }

  function soon() {
    if (!timer && !paused) timer = setTimeout(refresh, Math.max(300, 2000 - (Date.now() - last)));
  }

  localTimes(document);
  if (!window.EventSource) return;
  var source = new EventSource("/api/v1/events");
  source.onmessage = soon;
  setInterval(soon, 30000);
  document.addEventListener("visibilitychange", soon);

  var button = document.createElement("button");
  button.type = "button";
  function label() {
    button.textContent = paused ? "Paused: go on" : "Live: pause";
    button.setAttribute("aria-pressed", String(paused));
  }
  button.addEventListener("click", function () { paused = !paused; label(); if (!paused) soon(); });
  label();
  document.querySelector("header").appendChild(button);
}());
