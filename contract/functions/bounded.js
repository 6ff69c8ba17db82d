// Everything that a request may hold has bounds: texts a length and a form, numbers a range, lists a size.

const has = (schema, ...names) => names.some((name) => name in schema);
const types = (schema) => [schema.type].flat();

function lacks(schema) {
  const kinds = types(schema);
  if (has(schema, "enum", "const")) return [];
  return [
    kinds.includes("string") && !has(schema, "maxLength") && "maxLength",
    kinds.includes("string") && !has(schema, "pattern", "format") && "pattern",
    kinds.includes("integer") && !has(schema, "minimum") && "minimum",
    kinds.includes("integer") && !has(schema, "maximum") && "maximum",
    kinds.includes("array") && !has(schema, "maxItems") && "maxItems",
  ].filter(Boolean);
}

function* faults(schema, path) {
  if (!schema || typeof schema !== "object") return;
  for (const name of lacks(schema)) yield { message: `${name} is missing: what comes in has bounds.`, path };
  for (const [name, member] of Object.entries(schema.properties ?? {})) yield* faults(member, [...path, "properties", name]);
  for (const list of ["oneOf", "anyOf", "allOf"])
    for (const [index, part] of (schema[list] ?? []).entries()) yield* faults(part, [...path, list, index]);
  yield* faults(schema.items, [...path, "items"]);
}

export default (schema, _options, context) => [...faults(schema, [...context.path])];
