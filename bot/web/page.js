// The page's own behaviour: status line, scrolling to the last question, copying, reading in context.
// Without it the links still work; it never touches the words of an answer.
(() => {
  "use strict";
  const labels = () => document.querySelector('meta[name="quotewell"]').dataset;
  const line = () => document.querySelector("#status [role=status]");
  const say = (text) => {
    if (!line()) return;
    line().textContent = text;
    line().classList.remove("failed");
  };
  const box = () => document.querySelector("#question textarea, #question input");
  const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

  // The server's answer is drawn a little after this is called: wait for it, but not for ever.
  let before;
  const last = () => [...document.querySelectorAll("#log .answer")].pop()?.dataset.code;
  function drawn(ready, then, tries = 60) {
    if (tries && !ready()) setTimeout(() => drawn(ready, then, tries - 1), 25);
    else requestAnimationFrame(() => requestAnimationFrame(then));
  }

  function showLast() {
    const messages = [...document.querySelectorAll("#log .asked, #log .answer")];
    const target = messages.at(-2)?.matches(".asked") ? messages.at(-2) : messages.at(-1);
    document.body.classList.add("talking");
    if (!target) return;
    document.querySelector("#about details")?.removeAttribute("open");
    // Gradio's own labels would be read out before the words of each message.
    document.querySelectorAll("#log [data-testid][aria-label]").forEach((it) => it.removeAttribute("aria-label"));
    const phone = matchMedia("(pointer: coarse)").matches;
    // A picked question has gone, and a phone's keyboard hides the answer: move on to the question that was asked.
    if (phone || document.activeElement !== box()) target.focus({ preventScroll: true });
    target.scrollIntoView({ block: "start", behavior: still() ? "auto" : "smooth" });
  }

  async function copy(button) {
    const text = button.closest(".answer").querySelector(".copy-text").textContent;
    let done = true;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      done = copyOldWay(text);
    }
    button.textContent = button.dataset.label ||= button.textContent;
    button.classList.toggle("done", done);
    say(done ? labels().copied : labels().copyFailed);
  }

  // Browsers offer the clipboard only to pages served over HTTPS or from this machine.
  function copyOldWay(text) {
    const area = Object.assign(document.createElement("textarea"), { value: text });
    const before = document.activeElement;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    before?.focus();
    return done;
  }

  function read(link) {
    const dialog = document.createElement("dialog");
    dialog.className = "reader";
    dialog.setAttribute("aria-label", labels().context);
    const close = Object.assign(document.createElement("button"), { type: "button", textContent: labels().close });
    close.className = "close";
    const address = new URL(link.href);
    address.searchParams.set("framed", "1"); // without ways to other pages: the frame runs no script
    address.hash = ""; // a browser under load drops the jump to it
    const frame = Object.assign(document.createElement("iframe"), { title: labels().context, src: address.href });
    // "allow-same-origin" lets this page scroll the frame; without "allow-scripts" nothing in the frame runs.
    frame.setAttribute("sandbox", "allow-same-origin allow-downloads allow-popups allow-popups-to-escape-sandbox");
    frame.addEventListener("load", () => {
      frame.contentDocument?.getElementById("hit")?.scrollIntoView();
      frame.contentDocument?.addEventListener("keydown", (event) => event.key === "Escape" && dialog.close());
    });
    close.addEventListener("click", () => dialog.close());
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    // The phone's own "back" closes the article; without this it would leave the conversation.
    history.pushState({ reader: true }, "");
    const back = () => dialog.close();
    addEventListener("popstate", back);
    dialog.addEventListener("close", () => {
      removeEventListener("popstate", back);
      if (history.state?.reader) history.back();
      dialog.remove();
      link.focus();
    });
    dialog.append(close, frame);
    document.body.append(dialog);
    dialog.showModal();
    close.focus();
  }

  // Feedback goes to the clinic's own server, without cookies; the reply tells nothing.
  async function send(code, said) {
    try {
      const reply = await fetch("api/feedback", {
        method: "POST",
        headers: { "content-type": "application/json" },
        credentials: "omit",
        body: JSON.stringify({ trace_id: code, ...said }),
      });
      say(reply.ok ? labels().thanks : labels().notSent);
      return reply.ok;
    } catch {
      say(labels().notSent);
      return false;
    }
  }

  async function vote(button) {
    const box = button.closest(".feedback");
    const helpful = button.dataset.helpful === "true";
    if (!(await send(button.closest(".answer").dataset.code, { helpful }))) return;
    box.querySelectorAll(".vote").forEach((it) => it.setAttribute("aria-pressed", String(it === button)));
    box.querySelector("form")?.remove();
    if (!helpful) askWhy(box, button);
  }

  function askWhy(box, button) {
    const form = document.createElement("form");
    const label = Object.assign(document.createElement("label"), { textContent: labels().why });
    const input = Object.assign(document.createElement("input"), { maxLength: 500 });
    label.append(input);
    form.append(label, Object.assign(document.createElement("button"), { textContent: labels().send }));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (!(await send(box.closest(".answer").dataset.code, { helpful: false, reason: input.value }))) return;
      form.remove();
      button.focus();
    });
    box.append(form);
    input.focus();
  }

  async function report(button) {
    if (button.ariaDisabled) return;
    const { article, start, end } = button.dataset;
    const code = button.closest(".answer").dataset.code;
    if (await send(code, { article, start: Number(start), end: Number(end) })) {
      button.textContent = labels().reported;
      button.setAttribute("aria-disabled", "true"); // "disabled" would drop the focus to the top of the page
    }
  }

  document.addEventListener("click", (event) => {
    const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    const link = event.target.closest?.(".answer a.context");
    const button = event.target.closest?.(".answer button.copy");
    if (link && plain && window.HTMLDialogElement) {
      event.preventDefault();
      read(link);
    } else if (button) {
      copy(button);
    } else if (event.target.closest?.(".answer button.vote")) {
      vote(event.target);
    } else if (event.target.closest?.(".answer button.report")) {
      report(event.target);
    }
  });

  // One question at a time: the answer to a second one would take the place of the first, perhaps of an urgent card.
  let waiting = false;
  function wait(on) {
    waiting = on;
    document.querySelectorAll("#picks, #again, #clear, #ask").forEach((part) => (part.inert = on));
  }
  document.addEventListener("keydown", (event) => {
    if (!waiting || event.key !== "Enter" || event.target !== box()) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);

  // Gradio tells nobody when a question fails, and loads the whole page anew when the network does: both end the
  // conversation without a word. A failed request becomes a plain answer here, and the page says what happened.
  const PATIENCE = 30_000; // milliseconds
  const ask = window.fetch;
  window.fetch = async (...request) => {
    const question = String(request[0]?.url ?? request[0]).includes("/gradio_api/run/");
    if (!question) return ask(...request);
    const none = () => new Response('{"error": null}', { status: 503 });
    const late = new Promise((give) => setTimeout(() => give(none()), PATIENCE));
    const reply = await Promise.race([ask(...request).catch(none), late]);
    if (!reply.ok && waiting) failed();
    return reply;
  };
  function failed() {
    wait(false);
    line().innerHTML = labels().error; // the server's fixed text, with its numbers as links
    line().classList.add("failed");
  }

  window.quotewell = {
    busy: () => {
      before = last();
      wait(true);
      say(`${labels().busy} …`);
    },
    shown: () => drawn(() => last() !== before, () => {
      wait(false);
      say("");
      showLast();
    }),
    cleared: () => drawn(() => !last(), () => {
      say("");
      document.body.classList.remove("talking");
      document.querySelector("#about details")?.setAttribute("open", "");
      if (!matchMedia("(pointer: coarse)").matches) box()?.focus(); // it would open a phone's keyboard
      scrollTo({ top: 0, behavior: still() ? "auto" : "smooth" });
    }),
  };
})();
