export {
  assumed,
  type Cost,
  type CostItem,
  type CostOptions,
  costOf,
  edgeOf,
  type Host,
  hosts,
  leftOut,
  taskSize,
  totalOf,
} from "./cost.ts";
export { type Demand, demandOf, monthHours, shapes } from "./demand.ts";
export { explain, summary } from "./explain.ts";
export { money } from "./format.ts";
export { advice, limits } from "./limits.ts";
export { explainLockIn, type LockIn, lockIn } from "./lock-in.ts";
export {
  type Concurrency,
  type Placement,
  type PlaceOptions,
  place,
  placeAll,
  placementFaults,
} from "./place.ts";
export { awsUsEast1 } from "./prices/aws-us-east-1.ts";
export {
  type Known,
  type Price,
  type Priced,
  type PriceList,
  priced,
} from "./prices/price-list.ts";
export { questions, type Reason } from "./questions.ts";
