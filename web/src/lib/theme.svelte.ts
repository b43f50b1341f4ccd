export type Theme = "light" | "dark";

function stored(): Theme | null {
  const theme = document.documentElement.dataset.theme;
  return theme === "light" || theme === "dark" ? theme : null;
}

const system = matchMedia("(prefers-color-scheme: dark)");

class ThemeChoice {
  private chosen = $state.raw<Theme | null>(stored());
  private dark = $state.raw(system.matches);

  constructor() {
    system.addEventListener("change", () => (this.dark = system.matches));
  }

  get now(): Theme {
    return this.chosen ?? (this.dark ? "dark" : "light");
  }

  // The other one. What the system says needs no entry: choosing it again follows the system.
  toggle(): void {
    const next: Theme = this.now === "dark" ? "light" : "dark";
    this.chosen = next === (this.dark ? "dark" : "light") ? null : next;
    const root = document.documentElement;
    if (this.chosen) root.dataset.theme = this.chosen;
    else delete root.dataset.theme;
    try {
      if (this.chosen) localStorage.setItem("theme", this.chosen);
      else localStorage.removeItem("theme");
    } catch {
      // Not stored: it holds until the page is left.
    }
  }
}

export const theme = new ThemeChoice();
