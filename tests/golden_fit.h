/* golden_fit.h: distances between samples, computed from their definitions by tests/goldens/fit.py,
 * which says how the points are made. */
static const double golden_mmd = 0.02156796017453247;
static const double golden_mmd_median = 0.018244033039293672;
static const double golden_energy_distance = 0.26832499017321565;
static const double golden_frechet = 1.1128044076914065;
static const double golden_ksd_imq = 0.20038007995036639;
static const double golden_ksd_imq_biased = 0.39682430317709944;
static const double golden_ksd_imq_other = 0.22212815576578085;
static const double golden_ksd_rbf = 0.3219775090243968;
static const double golden_precision = 1.0;
static const double golden_recall = 0.7333333333333333;
static const double golden_precision_1 = 0.825;
static const double golden_recall_1 = 0.5333333333333333;
