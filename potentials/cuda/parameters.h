/* What every kernel is told: one structure, passed by value. All members take eight bytes, so that there is no padding;
 * parameters.py reads the members from this file. Pointers lead to memory of the device. */
#ifndef LANDSCAPES_CUDA_PARAMETERS_H
#define LANDSCAPES_CUDA_PARAMETERS_H

typedef struct {
    /* --- the potential */
    long long n_variables;
    /* doubles of shared memory that an evaluation needs */
    long long work_size;
    /* clusters: threads that share the partners of an atom (a power of two, at most 32); strength of the triple term;
     * radius of the container, or 0 */
    long long n_atoms;
    long long parts;
    double z;
    double radius;
    /* networks: layers of weights, their sizes (n_layers + 1), where weights and biases of each begin (by layer, from 1) */
    long long n_layers;
    const long long *sizes;
    const long long *weights;
    const long long *biases;
    long long has_biases;
    /* per variable: the row of derivatives and the row of activations (-1: a bias) whose product is its gradient */
    const long long *delta_row;
    const long long *activation_row;
    long long n_items;
    /* sizes[0] rows of inputs and sizes[n_layers] rows of targets, n_items each */
    const double *inputs;
    const double *targets;
    double lambda;
    long long n_regularised;
    /* per variable, or 0 where none is frozen */
    const long long *frozen;
    /* cross-entropy that no network can go below */
    double least;

    /* --- a batch of points, n_variables each */
    long long n_points;
    const double *x;
    const double *direction;
    double *energy;
    double *gradient;

    /* --- quenches */
    long long history;
    long long max_iterations;
    double rms;
    double max_step;
    double max_rise;
    double diagonal;
    double floor;
    /* rows of L-BFGS for every block, where shared memory has no room for them; 0 where it has */
    double *rows;
    /* the next point that waits */
    unsigned long long *queue;
    double *final_x;
    double *final_rms;
    long long *iterations;
    long long *calls;
    long long *status;

    /* --- quenches in step with evaluations by other kernels: one slot per quench under way */
    long long *slot_states;
    double *slot_rows;
    double *slot_x;
    double *slot_energy;
    double *slot_gradient;
    /* slots for which no point was left */
    unsigned long long *finished;

    /* --- walkers */
    unsigned long long seed;
    long long n_steps;
    double *walker_x;
    long long *walker_states;
    double temperature_factor;
    double accept_ratio;
    long long change_accept;
    long long adjust_step;
    long long adjust_temperature;
    long long angular;
    double surface;
    double move_radius;
    long long centre;
    double centre_x;
    double centre_y;
    double centre_z;
    double ediff;
    long long n_targets;
    const double *target_energies;
    unsigned long long *hit;
    long long *accepted;
    double *markov;

    /* --- tasks (tasks.h): kinds, the first of the rows of n_variables numbers that belong to each, images of bands; rows and numbers are
     * read and overwritten with the result. An energy for every row. */
    long long n_tasks;
    const long long *task_kinds;
    const long long *task_rows;
    const long long *task_images;
    double *task_x;
    double *task_energies;
    double *task_numbers;
    /* work space of a block */
    double *task_space;
    long long task_space_size;
    /* zero modes: of a rigid body, or n_zero_modes fixed rows */
    long long rigid;
    long long n_zero_modes;
    const double *zero_modes;
    /* searches for saddles; those in the tangent space take the settings of quenches */
    double difference_step;
    long long central_differences;
    long long ritz_history;
    long long ritz_iterations;
    double ritz_rms;
    double ritz_max_step;
    double ritz_max_rise;
    double ritz_diagonal;
    double ef_max_step;
    double ef_step_ceiling;
    double ef_step_floor;
    double ef_trust;
    double overlap_tolerance;
    double ts_max_distance;
    long long tangent_few;
    long long tangent_many;
    /* bands */
    long long band_history;
    double band_max_step;
    double band_diagonal;
    long long doubly_nudged;
    long long adjust_every;
    double adjust_tolerance;
    double adjust_factor;
    double spring_min;
    double spring_max;
    double band_settled;
    /* steepest descent */
    double path_tolerance;
    double path_longest;
    double path_first_step;

    /* --- networks whose products are left to a library: a layer of n_points networks at a time (layers.h) */
    long long layer;
    double *activations;
    double *deltas;
    double *r_activations;
    double *r_deltas;
    double *packed;
    double *item_energy;
} Parameters;
#endif
