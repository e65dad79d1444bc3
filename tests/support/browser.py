"""A headless Chromium, driven by Debian's chromedriver.

    with Browser() as browser:
        browser.open("http://127.0.0.1:8080/")
        browser.wait_text("h1", "Delivering")   # of the first element that matches
        assert browser.complaints() == []

Without the packages (scripts/setup --browser) its tests fail; they have a label of their own.
"""

import os
import tempfile

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.keys import Keys
from wait import wait_until

LIMIT_S = 15.0


class Browser:
    def __init__(self):
        self._home = tempfile.TemporaryDirectory(prefix="roomhook-browser.")
        options = Options()
        options.binary_location = "/usr/bin/chromium"
        for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                     "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
                     "--disable-component-update", f"--user-data-dir={self._home.name}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        service = Service("/usr/bin/chromedriver", env={**os.environ, "HOME": self._home.name})
        self.driver = webdriver.Chrome(service=service, options=options)
        self.resize(1280, 900)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.driver.quit()
        self._home.cleanup()

    def resize(self, width, height=900):
        self.command("Emulation.setDeviceMetricsOverride",
                     width=width, height=height, deviceScaleFactor=1, mobile=False)

    def scheme(self, name):
        """Of the system: light or dark."""
        self.command("Emulation.setEmulatedMedia",
                     features=[{"name": "prefers-color-scheme", "value": name}])

    def command(self, name, **parameters):
        return self.driver.execute_cdp_cmd(name, parameters)

    def open(self, address):
        """A page of its own: another fragment alone would not load it again."""
        self.driver.get("about:blank")
        self.driver.get(address)

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def text(self, selector):
        """What is seen of the first that matches; "" when there is none."""
        return self.run("return document.querySelector(arguments[0])?.innerText ?? ''", selector)

    def texts(self, selector):
        return self.run("return [...document.querySelectorAll(arguments[0])].map(e => e.innerText)",
                        selector)

    def count(self, selector):
        return self.run("return document.querySelectorAll(arguments[0]).length", selector)

    def wait(self, condition, what):
        return wait_until(condition, LIMIT_S, lambda: f"{what}; the page says:\n{self.page_text()}")

    def wait_text(self, selector, text):
        self.wait(lambda: text in self.text(selector), f"{text!r} in {selector}")

    def wait_for(self, selector, n=1):
        self.wait(lambda: self.count(selector) >= n, f"{n} of {selector}")

    def page_text(self):
        return self.text("body")

    def button(self, text):
        """The button or link that says text, above all in a dialog that is open."""
        find = """
            const open = document.querySelector("dialog[open]") || document;
            return [...open.querySelectorAll("button, a, summary")]
                .find(b => b.innerText.trim().startsWith(arguments[0])) ?? null;
        """
        self.wait(lambda: self.run(find, text) is not None, f"a button {text!r}")
        return self.run(find, text)

    def click(self, text):
        self.button(text).click()

    def keys(self, *keys):
        self.driver.switch_to.active_element.send_keys(*keys)

    def focused(self):
        """What has the focus, in words: "input find", "a Skip to content"."""
        return self.run("""
            const e = document.activeElement;
            const name = e.id || e.innerText || e.getAttribute("aria-label") || "";
            return e.nodeName.toLowerCase() + " " + name.trim();
        """)

    def fill(self, selector, text):
        field = self.driver.find_element("css selector", selector)
        field.clear()
        field.send_keys(text)
        return field

    def complaints(self):
        """What the console has had since the last time: errors of scripts, of the policy."""
        return [one["message"] for one in self.driver.get_log("browser")]

    def screenshot(self, path):
        self.driver.save_screenshot(str(path))


__all__ = ["Browser", "Keys", "LIMIT_S"]
