/* The page in Debian's Chromium: what a sender sees, presses and is told. In every state axe finds no violation, each control shows that
 * it has the focus, and a picture is kept.
 *
 * usage: node page.mjs PLAN RESULTS
 *   PLAN     JSON: {"held": link, "release": link, ..., "pictures": folder}; e2e/browser.py holds the messages and knows what becomes of them
 *   RESULTS  a JSON line for each test: {"name", "passed", "seconds", "log"}
 * Exit 0 when all passed. */
import { appendFileSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import assert from "node:assert/strict";
import { chromium } from "playwright-core";

const plan = JSON.parse(readFileSync(process.argv[2], "utf8"));
const results = process.argv[3];
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
const WITHIN = 60000; /* for the keeper to carry a decision out */

mkdirSync(plan.pictures, { recursive: true });
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"] });

/* ---- what all tests do ---- */

async function visit(link, { served = {}, ...options }, told) {
  const context = await browser.newContext({ locale: "en-GB", viewport: { width: 1100, height: 900 }, ...options });
  for (const [name, body] of Object.entries(served)) await context.route(`**/${name}`, (route) => route.fulfill({ body }));
  const page = await context.newPage();
  const asked = [];
  page.on("request", (r) => asked.push(r.url()));
  page.on("pageerror", (e) => asked.push(`error: ${e}`));
  page.on("console", (m) => m.type() === "error" && !/status of 4/.test(m.text()) && asked.push(`error: ${m.text()}`));
  await page.goto(link);
  try {
    await told(page);
    const home = new URL(link).origin;
    assert.deepEqual(asked.filter((url) => !url.startsWith(home)), [], "nothing but the page is asked, and nothing fails");
  } finally {
    await context.close();
  }
}

async function accessible(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate((tags) => window.axe.run(document, { runOnly: tags }), WCAG);
  assert.deepEqual(violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.map((n) => n.html).join(" ")}`), [], "axe finds no violation");
}

const picture = (page, name) => page.screenshot({ path: `${plan.pictures}/${name}.png`, fullPage: true, animations: "disabled" });

/* In this state nothing is wrong, and it looks like that, with a keyboard too. */
async function looksWell(page, name) {
  await accessible(page);
  await picture(page, name);
  await tabbed(page);
}

const heading = (page, text) => page.getByRole("heading", { level: 1, name: text }).waitFor({ timeout: WITHIN });
const press = (page, name) => page.getByRole("button", { name }).click();

/* The same link, from another device, says the same. */
const comesBack = (link, text) => visit(link, {}, async (page) => {
  await heading(page, text);
  assert.equal(await page.getByRole("button", { name: "Send it now" }).count(), 0, "there is nothing left to decide");
});

/* Nothing needs scrolling sideways, no text runs out of its box, and no word of what can be pressed is broken. */
async function fits(page) {
  const found = await page.evaluate(() => {
    const broken = (e) => {
      const range = document.createRange(), words = e.firstChild.data.matchAll(/\S+/g);
      return [...words].some((w) => (range.setStart(e.firstChild, w.index), range.setEnd(e.firstChild, w.index + w[0].length), range.getClientRects().length > 1));
    };
    const all = (selector, wrong) => [...document.querySelectorAll(selector)].filter((e) => e.clientWidth && wrong(e)).map((e) => e.outerHTML.slice(0, 80));
    return [...all(":root, main *:not(.unseen)", (e) => e.scrollWidth > e.clientWidth + 1), ...all(".choice, .beside button", broken)];
  });
  assert.deepEqual(found, [], "nothing is cut off, or broken");
}

/* Tabs once through the page. Whatever has the focus is seen to have it, and is not covered (WCAG 2.2: 2.4.7, 2.4.11, 1.4.11). */
async function tabbed(page) {
  const reached = [];
  await page.mouse.click(0, 0); /* tabbing begins there */
  const all = await page.locator("a[href]:visible, button:visible:enabled").count();
  while (reached.length < all) {
    await page.keyboard.press("Tab");
    const at = await page.evaluate(() => {
      const luminance = (colour) => {
        const [r, g, b] = colour.match(/[\d.]+/g).map((n) => (n / 255 <= 0.04045 ? n / 255 / 12.92 : ((n / 255 + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const behind = (e) => (!e ? "rgb(255, 255, 255)" : /^rgba\(.* 0\)$/.test(getComputedStyle(e).backgroundColor) ? behind(e.parentElement) : getComputedStyle(e).backgroundColor);
      const e = document.activeElement, style = getComputedStyle(e), box = e.getBoundingClientRect();
      const [dark, light] = [luminance(style.outlineColor), luminance(behind(e.parentElement))].sort((a, b) => a - b);
      const top = document.elementFromPoint(box.x + box.width / 2, box.y + Math.min(box.height / 2, 20));
      return {
        name: e.innerText.split("\n")[0], wide: style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth), contrast: (light + 0.05) / (dark + 0.05),
        seen: e.contains(top),
      };
    });
    assert.ok(at.wide >= 2 && at.contrast >= 3 && at.seen, `one sees that "${at.name}" has the focus (${JSON.stringify(at)})`);
    reached.push(at.name);
  }
  return reached;
}

async function letters(page) {
  const hrefs = await page.locator(".letters a").evaluateAll((all) => all.map((a) => a.getAttribute("href")));
  return hrefs.map((href) => {
    const url = new URL(href);
    return { to: decodeURIComponent(url.pathname), subject: url.searchParams.get("subject"), body: url.searchParams.get("body") };
  });
}

/* ---- the tests ---- */

const tests = {
  async "read: what is held, until when, why, and what else could be done"() {
    await visit(plan.held, {}, async (page) => {
      await heading(page, "Your message has not been sent yet");
      assert.match(await page.locator(".change").first().innerText(), /^Without .* this would have gone\.$/, "the smallest change leads");
      assert.ok((await page.locator("mark").count()) > 0, "the words that decided are marked");
      assert.match(await page.locator(".words").innerText(), /^All,\n\n/, "among her own, as she wrote them");
      assert.match(await page.getByRole("timer").innerText(), /^(\d+ h )?\d+ min( \d+ s)?$/);
      await looksWell(page, "held");
    });
  },

  async "letters: three that should come first, filled in"() {
    await visit(plan.held, {}, async (page) => {
      const [alone, hurt, group] = await letters(page);
      assert.equal(alone.to, "ben@corp.example");
      assert.match(alone.body, /^Hello Ben,\r\n\r\n/);
      assert.equal(alone.subject, `Between the two of us: ${plan.subject}`);
      assert.match(hurt.body, /I am sorry/);
      assert.equal(group.to, "team@corp.example,mia@corp.example");
      assert.ok(![alone, hurt, group].some((l) => /dan@/.test(l.to)), "who read it by Bcc is written to by nobody");
    });
  },

  async "wait: nothing is done, and it is still there later"() {
    await visit(plan.held, {}, async (page) => {
      await page.getByRole("link", { name: "Let it wait" }).click();
      assert.ok(await page.getByText("Good: it waits.").isVisible());
      await looksWell(page, "waits");
      await page.reload();
      await heading(page, "Your message has not been sent yet");
    });
  },

  async "release: sent, and said so ever after"() {
    await visit(plan.release, {}, async (page) => {
      await press(page, "Send it now");
      await heading(page, "Your message was sent");
      await looksWell(page, "released");
    });
    await comesBack(plan.release, "Your message was sent");
  },

  async "withdraw: taken back, and said so ever after"() {
    await visit(plan.withdraw, {}, async (page) => {
      await press(page, "Take it back");
      await heading(page, "Your message was taken back");
      await looksWell(page, "withdrawn");
    });
    await comesBack(plan.withdraw, "Your message was taken back");
  },

  async "phone: it fits, and fingers hit it"() {
    await visit(plan.held, PHONE, async (page) => {
      await fits(page);
      for (const box of await page.locator("button, a").evaluateAll((all) => all.map((e) => ({ name: e.innerText, high: e.getBoundingClientRect().height }))))
        assert.ok(box.high >= 44, `${box.name} is ${box.high} px high`);
      await looksWell(page, "phone");
    });
  },

  async "zoomed: at 200%, by text alone, and down to 320 px nothing is lost"() {
    const german = { locale: "de-DE" }; /* has the longest words */
    await visit(plan.held, { ...german, viewport: { width: 640, height: 512 }, deviceScaleFactor: 2 }, async (page) => {
      await fits(page);
      await looksWell(page, "zoomed-200");
    });
    await visit(plan.held, german, async (page) => {
      await page.evaluate(() => (document.documentElement.style.fontSize = "200%"));
      await fits(page);
      await looksWell(page, "text-200");
    });
    await visit(plan.held, { ...german, viewport: { width: 320, height: 256 }, deviceScaleFactor: 4 }, async (page) => {
      await fits(page);
      await looksWell(page, "reflow-320");
    });
    await visit(plan.held, { ...german, ...PHONE }, async (page) => {
      /* as who needs it may set it: WCAG 1.4.12 */
      await page.evaluate(() => document.querySelectorAll("*").forEach((e) => Object.assign(e.style, { lineHeight: "1.5", letterSpacing: ".12em", wordSpacing: ".16em" })));
      await fits(page);
    });
    for (const locale of ["en-GB", "fr-FR"]) await visit(plan.held, { locale, viewport: { width: 320, height: 256 } }, fits);
  },

  async "forced colours: the user's own, and what is marked is seen to be"() {
    for (const colorScheme of ["light", "dark"])
      await visit(plan.held, { forcedColors: "active", colorScheme }, async (page) => {
        await looksWell(page, `forced-colours-${colorScheme}`);
        const [mark, words] = await page.evaluate(() => [".words mark", ".words"].map((s) => getComputedStyle(document.querySelector(s)).backgroundColor));
        assert.notEqual(mark, words, "marked words stand out");
        const bare = await page.locator("button, .choice, .letters a").evaluateAll((all) => all.filter((e) => parseFloat(getComputedStyle(e).borderTopWidth) < 1).map((e) => e.innerText));
        assert.deepEqual(bare, [], "what can be pressed has an edge");
      });
  },

  async "the link of a mail that follows: where the words are, and what can be done without"() {
    await visit(plan.held.replace(/[^.]*$/, "A".repeat(43)), {}, async (page) => {
      await heading(page, "Your message has not been sent yet");
      assert.ok(await page.getByText("Your words are shown from the link in the first notice").isVisible());
      assert.ok(await page.getByRole("button", { name: "Take it back" }).isVisible());
      await looksWell(page, "without-its-key");
    });
  },

  async "dark: as easy to read"() {
    await visit(plan.held, { colorScheme: "dark" }, (page) => looksWell(page, "dark"));
    await visit(plan.release, { colorScheme: "dark", ...PHONE }, (page) => looksWell(page, "dark-phone-released"));
  },

  async "no JavaScript: nothing is missing"() {
    await visit(plan.held, { served: { "page.js": "" } }, async (page) => {
      await looksWell(page, "no-javascript-held");
    });
  },

  async "no JavaScript: read and sent all the same"() {
    await visit(plan.plain, { javaScriptEnabled: false }, async (page) => {
      assert.match(await page.locator(".timer").innerText(), /min$/);
      await picture(page, "no-javascript");
      await page.locator('a[href="#waits"]').click();
      assert.ok(await page.locator("#waits").isVisible());
      await page.locator('button[value="release"]').click();
      for (let n = 0; n < 40 && !/was sent/.test(await page.title()); n++) {
        await page.waitForTimeout(500);
        await page.reload();
      }
      assert.equal(await page.title(), "Your message was sent");
    });
  },

  async "keyboard only: every choice is reached, seen and pressed"() {
    await visit(plan.keyboard, {}, async (page) => {
      const reached = await tabbed(page);
      assert.deepEqual(reached.slice(0, 5), ["Take it back", "Let it wait", "Send it now", "We have talked", "This was wrong"]);
      assert.ok(reached.length > 5, "and letters behind them");
      await accessible(page);
      await picture(page, "keyboard");
      for (let n = 1; n < reached.length; n++) await page.keyboard.press("Shift+Tab");
      await page.keyboard.press("Enter");
      await heading(page, "Your message was taken back");
    });
  },

  async "minimum time: sending opens later, and the page says when"() {
    await visit(plan.minimum, {}, async (page) => {
      const send = page.getByRole("button", { name: "Send it now" });
      assert.ok(await send.isDisabled());
      assert.match(await page.locator("#opens").innerText(), /^“Send it now” opens (today at|on .* at) \d\d:\d\d/);
      await looksWell(page, "minimum-time");
    });
    await visit(plan.minimum, {}, async (page) => {
      await page.clock.install();
      await page.reload();
      await page.clock.fastForward(3 * 3600 * 1000);
      await page.waitForFunction(() => !document.querySelector('button[value="release"]')?.disabled);
      await press(page, "Send it now"); /* this browser thinks that it is time */
      await heading(page, "Your message has not been sent yet");
      assert.ok(await page.locator("#opens").isVisible());
    });
  },

  async "talked: sent at once"() {
    await visit(plan.talked, {}, async (page) => {
      await press(page, "We have talked");
      await heading(page, "Your message was sent");
      assert.ok(await page.getByText("You said that you have talked.").isVisible());
      await looksWell(page, "talked");
    });
  },

  async "wrong: thanked for, once, and nothing else changes"() {
    await visit(plan.wrong, {}, async (page) => {
      await press(page, "This was wrong");
      await page.getByText("Thank you.").waitFor();
      await heading(page, "Your message has not been sent yet");
      assert.equal(await page.getByRole("button", { name: "This was wrong" }).count(), 0);
      await looksWell(page, "wrong");
    });
  },

  async "German, and French"() {
    await visit(plan.held, { locale: "de-DE", ...PHONE }, async (page) => {
      await heading(page, "Ihre Nachricht ist noch nicht gesendet");
      assert.equal(await page.locator("html").getAttribute("lang"), "de");
      assert.match((await letters(page))[0].body, /^Guten Tag Ben,/);
      await fits(page);
      await looksWell(page, "german-phone");
    });
    await visit(plan.held, { locale: "fr-FR" }, async (page) => {
      await heading(page, "Votre message n’est pas encore parti");
      await looksWell(page, "french");
    });
  },

  async "countdown: polite, and calm where that is wanted"() {
    for (const reducedMotion of ["no-preference", "reduce"])
      await visit(plan.held, { reducedMotion }, async (page) => {
        await page.clock.install();
        await page.reload();
        const left = 1000 * Number(await page.getByRole("timer").getAttribute("data-left"));
        await page.clock.fastForward(left - 11 * 60 * 1000); /* timers that are due fire once */
        await page.clock.runFor(1000);
        const before = await page.getByRole("timer").innerText();
        assert.match(before, reducedMotion === "reduce" ? /^1[12] min$/ : /^1[01] min \d+ s$/);
        assert.equal(await page.locator("[aria-live=polite]").innerText(), "", "seconds are not read aloud");
        await page.clock.runFor(65 * 1000);
        assert.equal(await page.locator("[aria-live=polite]").innerText(), "Time left: 10 min", "ten minutes are");
      });
  },

  async "print: the words, without the buttons, on white whatever the screen"() {
    for (const colorScheme of ["light", "dark"])
      await visit(plan.held, { colorScheme }, async (page) => {
        await page.emulateMedia({ media: "print" });
        assert.ok(!(await page.locator("button").first().isVisible()));
        assert.ok(await page.locator(".words").isVisible());
        assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), "rgb(255, 255, 255)");
        await looksWell(page, `print-${colorScheme}`);
      });
  },

  async "a link that is not good says only that"() {
    await visit(plan.held.replace(/.{9}$/, "AAAAAAAAA").replace("/h/v4", "/h/v3"), {}, async (page) => {
      await heading(page, "There is nothing here");
      await looksWell(page, "not-found");
    });
  },
};

let failed = 0;
for (const [name, test] of Object.entries(tests)) {
  const from = performance.now();
  let log = "";
  try {
    await test();
  } catch (e) {
    log = e.stack;
    failed++;
  }
  const seconds = (performance.now() - from) / 1000;
  appendFileSync(results, `${JSON.stringify({ name, passed: !log, seconds, log })}\n`);
  console.log(`    ${log ? "NOT" : "ok "} ${name} (${seconds.toFixed(1)} s)${log && `\n${log}`}`);
}
await browser.close();
process.exit(failed ? 1 : 0);
