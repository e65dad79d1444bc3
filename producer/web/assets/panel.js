// A part of a page that asks the API on its own, so that it also fails alone.

import { el, foreign, icon, show } from "./dom.js";

const SLOW_MS = 200;

export class Panel {
  // onOutage(error) says whether all is away, or this panel alone; onDenied(error) asks who it is.
  onOutage = async () => true;
  onDenied = () => {};

  // ask() gives what draw() makes nodes of. every: how often it is asked for, in ms; 0: once.
  constructor(host, ask, draw, { every = 5000, lines = 1, onMissing } = {}) {
    Object.assign(this, { host, ask, draw, every, lines, onMissing });
    this.asked = -Infinity;
    this.serial = 0;
    this.error = null;
  }

  isDue(now) {
    return (
      !this.isAsking &&
      (this.asked === -Infinity || (this.every > 0 && now - this.asked >= this.every - 50))
    );
  }

  // What is shown stays until there is something newer.
  async refresh() {
    const serial = ++this.serial;
    this.isAsking = true;
    this.asked = performance.now();
    const slow =
      this.data === undefined && !this.error ? setTimeout(() => this.#wait(), SLOW_MS) : 0;
    try {
      const data = await this.ask();
      if (serial !== this.serial) return;
      this.data = data;
      this.error = null;
    } catch (error) {
      if (serial !== this.serial) return;
      this.error = error;
      this.isAway = error.isOutage && (await this.onOutage(error));
      if (serial !== this.serial) return;
      if (error.status === 401) this.onDenied(error);
      else if (!this.isAway) this.data = undefined;
    } finally {
      clearTimeout(slow);
      if (serial === this.serial) this.isAsking = false;
    }
    this.redraw();
  }

  redraw() {
    if (this.data !== undefined) {
      try {
        show(this.host, [this.draw(this.data)]);
      } catch (error) {
        this.#fault("This panel could not be shown.", error.message);
      }
    } else if ([404, 409].includes(this.error?.status) && this.onMissing) {
      show(this.host, [this.onMissing(this.error)]);
    } else if (this.error && this.isAway) {
      this.#wait();
    } else if (this.error && this.error.status !== 401) {
      this.#fault(
        this.error.status === 403 ? "This is not allowed." : "This panel could not be read.",
        this.error.message,
      );
    }
  }

  // Asks for something else from now on; what is shown is replaced when the answer comes.
  askFor(ask) {
    this.ask = ask;
    return this.refresh();
  }

  stop() {
    this.serial++;
  }

  #wait() {
    const bars = Array.from({ length: this.lines }, () => el("span.wait.w2"));
    show(this.host, [el("p.loading", { role: "status" }, el("span.sr", null, "Loading"), bars)]);
  }

  #fault(title, why) {
    show(this.host, [
      el(
        "div.fault",
        { role: "group" },
        el("p", null, icon("s-failing"), " ", el("b", null, title)),
        el("p", null, foreign(why), ". The other panels are not affected."),
        el("button", { type: "button", onclick: () => this.refresh() }, "Try again"),
      ),
    ]);
  }
}
