import { assertEquals, assertThrows } from "@std/assert";
import * as v from "valibot";
import {
  conform,
  different,
  fraction,
  oneOf,
  openRecord,
  positive,
  record,
  text,
  wholeFrom,
} from "./schema.ts";

const schema = record({
  name: text(),
  steps: v.optional(wholeFrom(1), 20),
  rate: v.optional(positive),
  sparsity: different(fraction),
  parts: v.array(v.variant("kind", [
    record({ kind: v.literal("a"), deep: record({ gamma: v.boolean() }) }),
    record({ kind: oneOf(["b", "c", "d"]) }),
  ])),
});
const value = {
  name: "x",
  sparsity: [0.5],
  parts: [{ kind: "a", deep: { gamma: true } }, { kind: "c" }],
};

Deno.test("conform() fills in a schema's defaults without changing the value", () => {
  assertEquals(conform(schema, value, "read x"), { ...value, steps: 20 });
  assertEquals("steps" in value, false);
  const open = openRecord({ name: text() });
  assertEquals<unknown>(conform(open, value, "read x"), { name: "x" });
});

Deno.test("conform() names the path, the found value and the expectation in one sentence", () => {
  const refused = (change: object, message: string) =>
    assertThrows(
      () => conform(schema, { ...value, ...change }, "read x.json"),
      TypeError,
      `Cannot read x.json: ${message}`,
    );
  refused({ name: "" }, 'name is "", expected a string that is not empty');
  refused({ name: 3 }, "name is 3, expected a string that is not empty");
  refused({ steps: 1.5 }, "steps is 1.5, expected a whole number from 1");
  refused({ steps: NaN }, "steps is NaN, expected a whole number from 1");
  refused({ steps: null }, "steps is null, expected a whole number from 1");
  refused({ rate: 0 }, "rate is 0, expected a number above 0");
  refused({ rate: Infinity }, "rate is Infinity, expected a number above 0");
  refused({ stepz: 1 }, "stepz is 1, expected no key but name, steps, rate");
  refused({ sparsity: 0.5 }, "sparsity is 0.5, expected a list");
  refused(
    { sparsity: [0.5, 1] },
    "sparsity[1] is 1, expected a number from 0 on, below 1",
  );
  for (const sparsity of [[], [0.5, 0.5]]) {
    refused(
      { sparsity },
      `sparsity is ${JSON.stringify(sparsity)}, expected a`,
    );
  }
  refused({ parts: { kind: "c" } }, 'parts is {"kind":"c"}, expected a list');
  refused({ parts: [3] }, "parts[0] is 3, expected an object");
  refused({ parts: [{}] }, "parts[0].kind is missing, expected one of a, b, c");
  refused({ parts: [{ kind: "e" }] }, 'parts[0].kind is "e", expected one of');
  refused(
    { parts: [{ kind: "c", deep: 1 }] },
    "parts[0].deep is 1, expected no key but kind",
  );
  const part = (deep: unknown) => ({ parts: [{ kind: "a", deep }] });
  refused(part(undefined), "parts[0].deep is missing, expected an object");
  refused(part({}), "parts[0].deep.gamma is missing, expected true or false");
  refused(part([true]), "parts[0].deep is [true], expected an object");
  assertThrows(
    () => conform(schema, "x", "run x", RangeError),
    RangeError,
    'Cannot run x: it is "x", expected an object',
  );
});
