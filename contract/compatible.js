// Does what a client relied on in the last release still hold? Redocly compares; what it finds to be a break must be
// announced in CHANGELOG.md, under "Unreleased", in its own words, as docs/CONTRIBUTING.md says.
import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const releases = readdirSync(`${root}/openapi/released`).sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
const last = releases.at(-1);

// Clients take words that they do not know as added ones: docs/API.md.
const growth = ["--skip-rule=enum-values-added"];
const arguments_ = ["diff", `openapi/released/${last}`, "openapi/openapi.json", "--format=json", "--fail-on=none", ...growth];
const report = execFileSync("contract/node_modules/.bin/redocly", arguments_, { cwd: root, stdio: ["ignore", "pipe", "ignore"], maxBuffer: 1 << 28 });
const { changes } = JSON.parse(report);

const breaks = new Map();
for (const { path, verdicts } of changes)
  for (const { impact, message } of verdicts) if (impact === "major") breaks.set(message, path);

const [, unreleased = ""] = readFileSync(`${root}/CHANGELOG.md`, "utf8").split(/^## /m).map((part) => part);
const announced = unreleased.startsWith("Unreleased") ? unreleased.replace(/\s+/g, " ") : "";
const silent = [...breaks].filter(([message]) => !announced.includes(message.replace(/\s+/g, " ")));

for (const [message, path] of silent) console.error(`breaks ${last}: ${message}\n    at ${decodeURIComponent(path)}`);
console.log(`${changes.length} changes since ${last}; of ${breaks.size} breaks, ${silent.length} not announced`);
process.exitCode = silent.length > 0 ? 1 : 0;
