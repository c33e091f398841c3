// The staff console's own behaviour: it says when the session has ended. Everything else is drawn by the server.
(() => {
  "use strict";
  const ask = window.fetch;
  window.fetch = async (...request) => {
    const reply = await ask(...request);
    if (reply.status === 401) ended();
    return reply;
  };

  function ended() {
    const top = document.querySelector("#staff-top");
    if (!top || document.querySelector("#ended")) return;
    const told = Object.assign(document.createElement("div"), { id: "ended" });
    told.setAttribute("role", "alert");
    told.innerHTML = '<p>Your session has ended. <a href="/staff/login">Sign in again</a>. What you typed is lost.</p>';
    top.after(told);
  }

  // The coloured article scrolls by itself to the first sentence that was quoted.
  window.staff = {
    toQuote: () => requestAnimationFrame(() => {
      const box = document.querySelector("#inspect-text .staff-reading");
      const hit = box?.querySelector(".heat.quoted");
      if (hit) box.scrollTop += hit.getBoundingClientRect().top - box.getBoundingClientRect().top - 40;
    }),
  };
})();
