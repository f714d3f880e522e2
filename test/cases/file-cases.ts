import { ifModifiedSince, ifUnmodifiedSince } from './dates.js';
import type { HttpCase } from './http-case.js';
import { ifMatch, ifMatchWithOthers } from './if-match.js';
import { ifNoneMatch, ifNoneMatchWithDate, ifNoneMatchWithRange, notModifiedFields } from './if-none-match.js';
import { ifRangeCases } from './if-range.js';
import { multipleRanges, wastefulRanges } from './multiple-ranges.js';
import {
  malformedRanges,
  ranges,
  rangesOfEmptyFiles,
  rangesOfLargeFiles,
  unknownUnits,
  unsatisfiableRanges,
} from './ranges.js';
import { methods, wholeFile } from './whole-file.js';

/** Every case about one file behind one URL. Views, sources and adapters all run them. */
export const fileCases: readonly HttpCase[] = [
  ...wholeFile,
  ...methods,
  ...ranges,
  ...unsatisfiableRanges,
  ...malformedRanges,
  ...unknownUnits,
  ...rangesOfEmptyFiles,
  ...rangesOfLargeFiles,
  ...multipleRanges,
  ...wastefulRanges,
  ...ifNoneMatch,
  ...ifNoneMatchWithDate,
  ...ifNoneMatchWithRange,
  ...notModifiedFields,
  ...ifModifiedSince,
  ...ifUnmodifiedSince,
  ...ifMatch,
  ...ifMatchWithOthers,
  ...ifRangeCases,
];
