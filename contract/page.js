// Can a person try an operation on the page of the documentation, with nothing reachable but the server itself?
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const { LINLI, KEY, CHROMIUM, SCREENSHOTS } = process.env;
const profile = mkdtempSync(join(tmpdir(), "linli-page-"));
const browser = await chromium.launchPersistentContext(profile, {
  executablePath: CHROMIUM,
  viewport: { width: 1280, height: 900 },
  args: [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", `--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE ${new URL(LINLI).hostname}`,
  ],
});
try {
  const page = browser.pages()[0] ?? (await browser.newPage());
  page.setDefaultTimeout(20_000);
  const elsewhere = [];
  const complaints = [];
  page.on("request", (request) => /^(data|blob):/.test(request.url()) || request.url().startsWith(`${LINLI}/`) || elsewhere.push(request.url()));
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  const look = (name) => SCREENSHOTS && page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) });

  await page.goto(`${LINLI}/docs`);
  await page.locator(".info .title").waitFor();
  await look("1-top");

  await page.locator("button.authorize").first().click();
  await look("2-authorize");
  await page.locator(".auth-container input").fill(KEY);
  await page.locator(".auth-btn-wrapper button.authorize").click();
  await page.locator(".auth-btn-wrapper button.btn-done").click();

  await page.locator("#operations-tag-organization").click();
  const operation = page.locator("[id$=-list_grids]");
  await operation.locator(".opblock-summary-control").click();
  await operation.locator(".opblock-section-header").first().waitFor();
  await look("3-operation");
  if (await operation.locator("button.try-out__btn:not(.cancel)").count()) await operation.locator("button.try-out__btn").click();
  await operation.locator("button.execute").click();
  const answer = operation.locator(".live-responses-table");
  await answer.waitFor();
  await answer.scrollIntoViewIfNeeded();
  await look("4-answer");
  assert.equal((await answer.locator(".response-col_status").last().innerText()).trim(), "200");
  const body = await answer.locator(".highlight-code").first().innerText();
  assert.match(body, /421181001001001/, "the grids of the small town are seen");
  assert.match(await operation.locator(".request-url").innerText(), /\/v1\/grids\?limit=20$/, "nothing is asked that nobody entered, but the size of a page, whose default stands there");

  const create = page.locator("[id$=-create_grid]");
  await create.locator(".opblock-summary-control").click();
  await create.locator(".body-param").waitFor();
  await create.scrollIntoViewIfNeeded();
  await look("5-body");
  assert.match(await create.locator(".body-param textarea").inputValue(), /"code"/, "the body has an example to begin with");

  assert.deepEqual(elsewhere, [], "the page asks nobody else");
  assert.deepEqual(complaints, [], "the browser complains of nothing");
  console.log("Page: authorized, tried list_grids, saw the grids; no request went elsewhere");
} finally {
  await browser.close();
  rmSync(profile, { recursive: true, force: true });
}
