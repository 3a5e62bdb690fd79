// Which hash somebody has before their eyes. A decision carries the hash that was on the page when
// it was made; what one's own saves turned it into on the way is followed, what others did is not.

const mine = new Map(); // hash → the hash that my own save made of it

export function follow(before, after) {
  if (before !== after) mine.set(before, after);
  mine.delete(after); // back to an earlier text: no ring
}

/** The hash that a hash has become by nothing but my own saves. */
export function become(hash) {
  let now = hash;
  for (let steps = 0; mine.has(now) && steps < 1_000; steps += 1) now = mine.get(now);
  return now;
}
