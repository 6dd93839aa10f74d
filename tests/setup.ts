import { skipPromiseStacks } from "../components/shared/promise-stacks.ts";

// As index.ts does it: a graph under mocks takes a third of the time.
skipPromiseStacks();
