/* Choices as one types, the resident id that fills sex and birth date, forms sent once. Forms work without this file. */
"use strict";
(() => {
  const options = (field) => [...field.querySelectorAll('[role="option"]:not([aria-disabled])')];
  const active = (field) => field.querySelector('[role="option"][aria-selected="true"]');

  const mark = (field, option) => {
    const input = field.querySelector('[role="combobox"]');
    options(field).forEach((o) => o.setAttribute("aria-selected", String(o === option)));
    if (option) { input.setAttribute("aria-activedescendant", option.id); option.scrollIntoView({ block: "nearest" }); }
    else input.removeAttribute("aria-activedescendant");
  };
  const close = (field) => {
    field.querySelector('[role="listbox"]').replaceChildren();
    const input = field.querySelector('[role="combobox"]');
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const take = (field, option) => {
    const input = field.querySelector('[role="combobox"]');
    input.value = option.dataset.label;
    field.querySelector('input[type="hidden"]').value = option.dataset.value;
    const other = field.parentElement.querySelector("[data-filled]");
    if (option.dataset.fill && other && !other.value) other.value = option.dataset.fill;
    close(field);
    input.dispatchEvent(new Event("change", { bubbles: true }));
  };

  document.addEventListener("htmx:after:swap", (event) => {
    const list = event.target.closest?.('[role="listbox"]') ?? event.detail?.ctx?.target?.closest?.('[role="listbox"]');
    const field = list?.closest("[data-combo]");
    if (!field) return;
    const input = field.querySelector('[role="combobox"]');
    if (document.activeElement !== input) { close(field); return; }
    const found = options(field);
    input.setAttribute("aria-expanded", String(found.length > 0));
    mark(field, found[0]);
  });

  document.addEventListener("input", (event) => {
    const field = event.target.closest("[data-combo]");
    if (!field || event.target.type === "hidden") return;
    field.querySelector('input[type="hidden"]').value = "";
    if (!event.target.value) close(field);
  });

  document.addEventListener("keydown", (event) => {
    const field = event.target.closest?.("[data-combo]");
    if (!field || event.isComposing || !field.querySelector('[role="option"]')) return;
    const found = options(field), at = found.indexOf(active(field));
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (found.length) mark(field, found[(at + (event.key === "ArrowDown" ? 1 : found.length - 1)) % found.length]);
      event.preventDefault();
    } else if (event.key === "Enter" && at >= 0) {
      take(field, found[at]);
      event.preventDefault();
    } else if (event.key === "Escape") {
      close(field);
      event.preventDefault();
      event.stopPropagation();
    }
  }, true);

  // A text of several lines: Enter is a new line there, with Ctrl it sends.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
    const field = event.target.closest?.("[data-submit-keys]");
    if (!field) return;
    event.preventDefault();
    field.form.requestSubmit();
  });

  document.addEventListener("mousedown", (event) => {
    const option = event.target.closest('[data-combo] [role="option"]:not([aria-disabled])');
    if (!option) return;
    event.preventDefault();
    take(option.closest("[data-combo]"), option);
  });
  document.addEventListener("focusout", (event) => {
    const field = event.target.closest?.("[data-combo]");
    if (field && !field.contains(event.relatedTarget)) close(field);
  });

  // Lists: when the last row is filled, there is one more.
  document.addEventListener("change", (event) => {
    const row = event.target.closest("[data-rows] > *");
    const rows = row?.parentElement;
    if (!rows || row !== rows.lastElementChild || rows.childElementCount >= 8 || !event.target.matches('[role="combobox"]') || !event.target.value) return;
    const next = row.cloneNode(true), number = rows.childElementCount;
    next.querySelectorAll(".help, .error, .warning").forEach((e) => e.remove());
    next.querySelectorAll("input").forEach((input) => { input.value = ""; input.removeAttribute("aria-describedby"); input.removeAttribute("aria-invalid"); input.removeAttribute("autofocus"); });
    next.querySelector('[role="listbox"]').replaceChildren();
    next.querySelectorAll("[id], [for], [aria-controls], [hx-target]").forEach((e) => {
      for (const name of ["id", "for", "aria-controls", "hx-target"]) {
        const value = e.getAttribute(name);
        if (value) e.setAttribute(name, value.replace(/-\d+(?=$|-list)/, `-${number}`));
      }
    });
    rows.append(next);
    window.htmx?.process(next);
  });

  // GB 11643: digits 7 to 14 are the birth date, digit 17 is odd for men.
  document.addEventListener("input", (event) => {
    if (!event.target.matches?.("[data-resident-id]")) return;
    const number = event.target.value.replace(/[\s-]/g, "");
    const form = event.target.form, birth = form.elements.birth, sex = form.elements.sex;
    if (!/^\d{17}[\dXx]$/.test(number)) return;
    if (!birth.value) birth.value = `${number.slice(6, 10)}-${number.slice(10, 12)}-${number.slice(12, 14)}`;
    if (!sex.value) sex.value = Number(number[16]) % 2 ? "male" : "female";
  });

  // A form is sent once; the server knows a second one too. Before it goes, the server is asked whether it is there and
  // the session still holds, so that what was typed stays on the page when not; nothing is kept in the browser.
  const say = (form, key) => {
    let notice = form.querySelector(":scope > [data-unsent]");
    if (!notice) {
      notice = document.createElement("div");
      notice.className = "notice grade-1";
      notice.dataset.unsent = "";
      notice.setAttribute("role", "alert");
      form.prepend(notice);
    }
    notice.textContent = document.body.dataset[key];
    if (key === "signedOut") {
      const link = document.createElement("a");
      Object.assign(link, { href: "/sign-in", target: "_blank", rel: "noopener", textContent: document.body.dataset.signIn, className: "plain" });
      notice.append(" ", link);
    }
    notice.scrollIntoView({ block: "center" });
  };
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.matches("[data-once]")) return;
    if (form.dataset.sent === "now") { form.dataset.sent = "1"; return; }
    event.preventDefault();
    if (form.dataset.sent) return;
    form.dataset.sent = "1";
    const submitter = event.submitter;
    let answer = null;
    try {
      answer = await fetch("/still-here", { redirect: "manual", cache: "no-store", headers: { Accept: "application/json" } });
    } catch { answer = null; }
    if (answer?.ok) {
      const { csrf } = await answer.json();
      form.elements.csrf_token.value = csrf;
      form.querySelector(":scope > [data-unsent]")?.remove();
      form.dataset.sent = "now";
      form.requestSubmit(submitter);
      setTimeout(() => delete form.dataset.sent, 8000);
    } else {
      delete form.dataset.sent;
      say(form, answer?.type === "opaqueredirect" ? "signedOut" : "unreachable");
    }
  });
  addEventListener("pageshow", () => document.querySelectorAll("[data-once]").forEach((form) => delete form.dataset.sent));
})();

/* Files: dropped anywhere on their field, sent with progress. */
(() => {
  const form = document.querySelector("[data-upload]");
  if (!form) return;
  const zone = form.querySelector(".drop"), input = form.querySelector('input[type="file"]');
  const bar = form.querySelector("[data-progress]"), problem = form.querySelector("[data-problem]");
  for (const name of ["dragenter", "dragover"]) zone.addEventListener(name, (e) => { e.preventDefault(); zone.classList.add("over"); });
  for (const name of ["dragleave", "drop"]) zone.addEventListener(name, () => zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    input.files = event.dataTransfer.files;
    form.requestSubmit();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!input.files.length) { input.focus(); return; }
    const request = new XMLHttpRequest();
    const wrong = (text) => { problem.textContent = text; bar.hidden = true; form.querySelector("button").disabled = false; };
    problem.textContent = "";
    bar.hidden = false;
    form.querySelector("button").disabled = true;
    request.upload.addEventListener("progress", (e) => {
      bar.querySelector("progress").value = (100 * e.loaded) / (e.total || 1);
      bar.querySelector("[data-said]").textContent = `${Math.round(e.loaded / 1048576)} / ${Math.round(e.total / 1048576)} MB`;
    });
    request.addEventListener("load", () => {
      let answer = {};
      try { answer = JSON.parse(request.responseText); } catch { answer = {}; }
      if (answer.href) location.assign(answer.href); else wrong(answer.problem ?? `${request.status}`);
    });
    request.addEventListener("error", () => wrong("⚠ " + (form.dataset.cut ?? "")));
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "application/json");
    request.send(new FormData(form));
  });
})();
