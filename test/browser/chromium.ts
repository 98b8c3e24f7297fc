import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { chromium, type Browser } from "playwright-core";

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/**
 * Starts the installed Chromium, headless and without background traffic.
 * @throws Error if there is none
 */
export async function startChromium(): Promise<Browser> {
  const folders = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  for (const file of folders.flatMap((folder) => names.map((name) => join(folder, name)))) {
    const found = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return chromium.launch({ executablePath: file, args: quiet });
  }
  throw new Error(`None of ${names.join(", ")} is on PATH. On Debian: apt-get install chromium`);
}

const quiet = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
];
