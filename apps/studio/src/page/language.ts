/**
 * Sees to it that `Intl` knows the browser's language. Without a locale of the system, Chromium calls its own
 * `en-US@posix`, which `Intl` refuses, and uPlot asks for it while it loads: the page would stay empty.
 */
try {
  Intl.getCanonicalLocales(navigator.language);
} catch {
  Object.defineProperty(navigator, 'language', { value: document.documentElement.lang });
}
