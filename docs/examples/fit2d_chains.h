/* fit2d_chains.h: the losses of fit2d whose negatives are samples of the model. */
#ifndef FIT2D_CHAINS_H
#define FIT2D_CHAINS_H

#include "fit2d.h"

bool build_cd(objective *o);
bool build_pcd(objective *o);
bool build_pcd_mala(objective *o);
bool build_improved_cd(objective *o);
bool build_recovery(objective *o);
bool build_generator(objective *o);

#endif
