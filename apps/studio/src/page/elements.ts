/** Elements of the page: finding them and making them. Knows no state. */

/** The element of this id, which index.html has. */
export function byId<T extends HTMLElement>(id: string, type: new () => T): T {
  const element = document.getElementById(id);
  if (element instanceof type) return element;
  throw new Error(`index.html has no ${type.name} #${id}. Give it one.`);
}

/** An element with text or elements in it. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Sets what changed only: a screen reader says again what is written again. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

const english = 'en-GB';
const whole = new Intl.NumberFormat(english, { maximumFractionDigits: 0 });

export const count = (n: number): string => whole.format(n);

export const plural = (n: number, one: string): string => `${count(n)} ${one}${n === 1 ? '' : 's'}`;

export const percent = (share: number, digits = 0): string => `${(share * 100).toFixed(digits)} %`;

/** With a true minus, so that columns of digits stay columns. */
export const decimal = (n: number, digits = 2): string => {
  if (!Number.isFinite(n)) return 'no number';
  // From here on `toFixed` gives an exponent too, but with all digits in front of it.
  const text = Math.abs(n) < 1e21 ? n.toFixed(digits) : n.toExponential(digits);
  return text.replace('-', '−');
};
