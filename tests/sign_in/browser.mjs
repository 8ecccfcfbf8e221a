// The hands of a real browser, for tests: each line on standard input is a JSON array [verb, …], each line on standard
// output what became of it, {"is": …} or {"failed": …}. Ends when its standard input is closed. Packages are taken from
// HOTLINE_TEST_NODE.
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const packages = createRequire(`${process.env.HOTLINE_TEST_NODE}/package.json`);
const { chromium } = packages("playwright-core");

const folder = mkdtempSync(join(tmpdir(), "hotline-browser-"));
const context = await chromium.launchPersistentContext(folder, {
  executablePath: process.env.HOTLINE_TEST_CHROMIUM ?? "/usr/bin/chromium",
  headless: true,
  locale: "zh-CN",
  viewport: { width: 1100, height: 800 },
  args: [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
  ],
});
context.setDefaultTimeout(30_000);
const page = context.pages()[0] ?? (await context.newPage());
const problems = [];
page.on("console", (line) => line.type() === "error" && problems.push(`${line.text()} ${line.location().url}`));
page.on("pageerror", (error) => problems.push(`${error} ${page.url()}`));

const moved = async (act) => {
  const [answer] = await Promise.all([page.waitForNavigation({ waitUntil: "load" }), act()]);
  return answer?.status() ?? 0;
};
const verbs = {
  goto: async (url) => (await page.goto(url))?.status() ?? 0,
  fill: (label, value) => page.getByLabel(label, { exact: true }).fill(value),
  check: (label) => page.getByLabel(label, { exact: true }).check(),
  press: (name) => moved(() => page.getByRole("button", { name, exact: true }).first().click()),
  follow: (name) => moved(() => page.getByRole("link", { name, exact: true }).click()),
  arrives: async (path) => {
    await page.waitForURL((url) => url.pathname === path);
    await page.waitForLoadState("load");
  },
  value: (label) => page.getByLabel(label, { exact: true }).inputValue(),
  text: () => page.locator("body").innerText(),
  address: () => page.url(),
  cookies: async () => (await context.cookies()).map((cookie) => cookie.name),
  forget: () => context.clearCookies(),
  problems: () => problems.splice(0),
  shot: (path) => page.screenshot({ path, fullPage: true }).then(() => null),
};

process.stdout.write('{"is":"ready"}\n');
for await (const line of createInterface({ input: process.stdin })) {
  const [verb, ...asked] = JSON.parse(line);
  const done = await Promise.resolve()
    .then(() => verbs[verb](...asked))
    .then((is) => ({ is: is ?? null }), (error) => ({ failed: String(error) }));
  process.stdout.write(`${JSON.stringify(done)}\n`);
}
await context.close();
rmSync(folder, { recursive: true, force: true });
