/** Colours of the style sheet for what is drawn, by day and by night. Knows no picture. */

export type Colour = readonly [red: number, green: number, blue: number];

const dark = matchMedia('(prefers-color-scheme: dark)');

/** Calls back whenever colours have changed. */
export function onTheme(changed: () => void): void {
  dark.addEventListener('change', changed);
}

const probe = document.createElement('span');
probe.hidden = true;

/** A custom property of the style sheet, such as `--teal`, as the browser resolves it. */
export function colourOf(property: string): string {
  if (!probe.isConnected) document.body.append(probe);
  probe.style.color = `var(${property})`;
  return getComputedStyle(probe).color;
}

const partsOf = (colour: string): Colour => {
  const [r = 0, g = 0, b = 0] = (colour.match(/[\d.]+/g) ?? []).map(Number);
  return [r, g, b];
};

/** 256 colours from one end to the other, evenly spaced to the eye: mixed in Oklab (Ottosson 2020). */
export function ramp(properties: readonly string[]): readonly Colour[] {
  const stops = properties.map((p) => toOklab(partsOf(colourOf(p))));
  return Array.from({ length: 256 }, (_, i) => {
    const at = (i / 255) * (stops.length - 1);
    const from = Math.min(Math.floor(at), stops.length - 2);
    const [a, b] = [stops[from] as Colour, stops[from + 1] as Colour];
    const mix = (k: 0 | 1 | 2): number => a[k] + (b[k] - a[k]) * (at - from);
    return fromOklab([mix(0), mix(1), mix(2)]);
  });
}

const linear = (c: number): number =>
  c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4;
const encoded = (c: number): number => {
  const clamped = Math.min(1, Math.max(0, c));
  return Math.round(
    255 * (clamped <= 0.0031308 ? 12.92 * clamped : 1.055 * clamped ** (1 / 2.4) - 0.055),
  );
};

function toOklab(colour: Colour): Colour {
  const [r, g, b] = colour.map(linear) as unknown as Colour;
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

function fromOklab([lightness, a, b]: Colour): Colour {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    encoded(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    encoded(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    encoded(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  ];
}
