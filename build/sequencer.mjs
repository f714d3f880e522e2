// Begins with the suites that take minutes. Jest knows how long each took only from an earlier run, and otherwise begins with
// the longest files; a short file that runs for minutes would then be the last, on one worker.
import Sequencer from '@jest/test-sequencer';

const long = [
  'package/toolchains',
  'crash/half-blind',
  'crash/move',
  'storages/database-faults',
  'crash/',
  'museum/',
  'storages/s3',
  'cli/ledger-commands',
];

/** The place of a suite in the list; those that are not in it come last. */
const placeOf = ({ path }) => {
  const place = long.findIndex((part) => path.includes(`/test/${part}`));
  return place < 0 ? long.length : place;
};

export default class LongestFirst extends Sequencer {
  sort(tests) {
    return super.sort(tests).sort((a, b) => placeOf(a) - placeOf(b));
  }
}
