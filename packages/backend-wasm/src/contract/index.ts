/** Products: what the rest of the backend calls. */
export { emitPack } from './panels.ts';
export {
  type ContractPlan,
  matrixOfVectors,
  type PlanOptions,
  planContract,
  suits,
} from './plan.ts';
export { emitProduct, type Packed } from './product.ts';
