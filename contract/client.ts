// What a program looks like that is written against the client generated from the document. It lists, creates,
// meets a problem and changes; whatever the document gets wrong, it does not compile or does not run.
import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components, paths } from "linli";

type Grid = components["schemas"]["Grid"];
type Problem = components["schemas"]["Problem"];

const linli = createClient<paths>({
  baseUrl: process.env["LINLI"] ?? "",
  headers: { Authorization: `Bearer ${process.env["KEY"]}` },
});

/** Every grid of an area, page by page. */
async function* grids(area: string): AsyncGenerator<Grid> {
  for (let after: string | null | undefined; after !== null; ) {
    const query = { area_code: area, limit: 2, ...(after === undefined ? {} : { after }) };
    const { data, error } = await linli.GET("/v1/grids", { params: { query } });
    if (error) throw new Error(told(error));
    yield* data.items;
    after = data.next;
  }
}

/** What a person is shown of a problem. */
function told(problem: Problem): string {
  return [problem.detail, ...problem.errors.map(({ pointer, message }) => `${pointer}: ${message}`)].join("\n");
}

const codes: string[] = [];
for await (const grid of grids("421181001")) codes.push(grid.code);
assert.equal(codes.length, 3);

const body = { code: "421181001002701", name: "专属网格", kind: "dedicated", dedicated_kind: "hospital" } as const;
const made = await linli.POST("/v1/grids", { body });
assert.ok(made.data, made.error && told(made.error));
assert.equal(made.response.headers.get("location"), `/v1/grids/${made.data.id}`);

const again = await linli.POST("/v1/grids", { body, headers: { "Accept-Language": "en" } });
assert.equal(again.error?.code, "grid.code_taken");
assert.equal(again.error?.errors[0]?.pointer, "/code");

const changed = await linli.PATCH("/v1/grids/{id}", {
  params: { path: { id: made.data.id }, header: { "If-Match": `"${made.data.version}"` } },
  body: { name: "人民医院网格" },
});
assert.equal(changed.data?.version, 2);
assert.equal(changed.data?.kind satisfies Grid["kind"] | undefined, "dedicated");

const stale = await linli.PATCH("/v1/grids/{id}", { params: { path: { id: made.data.id } }, body: { name: "旧", version: 1 } });
assert.equal(stale.error?.status, 412);
console.log(`TypeScript: listed ${codes.length} grids, made one, met a conflict, changed it, was refused a stale change`);
