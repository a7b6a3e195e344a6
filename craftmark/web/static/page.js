// A page that only has the keys of every page.
import { keys } from "./shared.js";

keys({ q: () => history.back() });
