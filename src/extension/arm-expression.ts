import { CommandError } from "../errors.ts";

/** A parameter's value by its name, in any case. Throws CommandError for one that there is not. */
export type Parameter = (name: string) => unknown;

/** An expression of ARM's template language, as much of it as an extension needs. */
type Expression =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "call"; readonly name: string; readonly arguments: readonly Expression[] };

const remedy = "the functions taken are parameters() and concat(): write the value in its place";
const bracketRemedy = `${remedy}, or [[ where a text begins with a bracket`;

/**
 * What a text of a template means: `[…]` is an expression, `[[` a bracket, anything else itself. Throws CommandError for
 * every function but `parameters` and `concat`, by its name. Of what cannot be read it has the place and not the text: that may be a secret.
 */
export function evaluateText(text: string, parameter: Parameter, where = ""): unknown {
  if (text.startsWith("[[")) return text.slice(1);
  if (!text.startsWith("[") || !text.endsWith("]")) return text;
  const tokens = tokensOf(text.slice(1, -1), where);
  const expression = readExpression(tokens, where);
  if (tokens.length > 0) throw unreadable(where);
  return evaluate(expression, parameter);
}

/** Every text in a value, evaluated. */
export function evaluateAll(value: unknown, parameter: Parameter, where: string): unknown {
  if (typeof value === "string") return evaluateText(value, parameter, where);
  if (Array.isArray(value)) return value.map((item) => evaluateAll(item, parameter, where));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, evaluateAll(inner, parameter, `${where}.${name}`)]),
  );
}

function tokensOf(source: string, where: string): string[] {
  const tokens: string[] = [];
  const token = /\s*('(?:[^']|'')*'|[A-Za-z][A-Za-z0-9_.]*|-?\d+|[(),[\].])\s*/sy;
  while (token.lastIndex < source.length) {
    const [, found] = token.exec(source) ?? [];
    if (found === undefined) throw unreadable(where);
    tokens.push(found);
  }
  return tokens;
}

function readExpression(tokens: string[], where: string): Expression {
  const token = tokens.shift() ?? "";
  if (token.startsWith("'")) return { kind: "text", text: token.slice(1, -1).replaceAll("''", "'") };
  if (!/^[A-Za-z]/.test(token) || tokens.shift() !== "(") throw unreadable(where);
  const list: Expression[] = [];
  while (tokens[0] !== ")") {
    if (list.length > 0 && tokens.shift() !== ",") throw unreadable(where);
    list.push(readExpression(tokens, where));
  }
  tokens.shift();
  return { kind: "call", name: token, arguments: list };
}

function evaluate(expression: Expression, parameter: Parameter): unknown {
  if (expression.kind === "text") return expression.text;
  const { name, arguments: given } = expression;
  // The functions of a template have names in any case.
  switch (name.toLowerCase()) {
    case "parameters":
      return parameter(textOf(given.length === 1 ? given[0] : undefined, name, parameter));
    case "concat":
      return given.map((part) => textOf(part, name, parameter)).join("");
    default:
      throw new CommandError(`the template calls ${name}(), which is not taken`, { remedy, exit: 2 });
  }
}

function textOf(expression: Expression | undefined, caller: string, parameter: Parameter): string {
  const value = expression && evaluate(expression, parameter);
  if (typeof value === "string" || typeof value === "number") return String(value);
  throw new CommandError(`${caller}() in the template takes text, in parentheses`, { remedy, exit: 2 });
}

function unreadable(where: string): CommandError {
  return new CommandError(`the template's expression at ${where} cannot be read`, { remedy: bracketRemedy, exit: 2 });
}
