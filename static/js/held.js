// The page of a card that still cannot be read: what is typed there is kept as on the day page.

import { refill } from "./keeping.js";

refill(document);
